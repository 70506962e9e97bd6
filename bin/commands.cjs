'use strict'
// What oclif's "explicit" strategy asks for: the table of commands, from the bundle that is already loaded.
module.exports = require('./load.cjs').bundle
