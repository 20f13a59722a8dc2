// Plain JavaScript on purpose: it must run on the old Node it is there to refuse.
const oldest = 24
if (Number(process.versions.node.split('.')[0]) < oldest) {
  process.stderr.write(
    `FeeGate needs Node ${oldest} or newer and this is ${process.version}: run "npm ci" with install scripts allowed and start it through npm (npm start, npm test), or install Node ${oldest}.\n`,
  )
  process.exit(1)
}
