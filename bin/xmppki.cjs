#!/usr/bin/env node
'use strict'
const { bundle, root } = require('./load.cjs')

bundle.main(process.argv.slice(2), root)
