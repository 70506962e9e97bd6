'use strict'
const { bundle } = require('./load.cjs')

module.exports = {
  /** What oclif's "explicit" strategy asks for. It waits for the promise, and asks only when a command runs. */
  get COMMANDS() {
    return bundle.loadCommands()
  },
}
