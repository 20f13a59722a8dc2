#!/usr/bin/env node
import './require-node.js'

const { run } = await import('../src/cli/main.ts')
await run(process.argv)
