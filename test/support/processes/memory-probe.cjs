// Loaded before the program: at SIGUSR2 it collects garbage and says in one line of the log what is held.
const { writeSync } = require('node:fs')

process.on('SIGUSR2', () => {
  // What finalizers let go of goes with the next collection.
  globalThis.gc()
  setImmediate(() => {
    globalThis.gc()
    writeSync(2, `${JSON.stringify({ msg: 'memory', ...process.memoryUsage() })}\n`)
  })
})
