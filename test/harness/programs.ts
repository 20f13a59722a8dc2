import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Makes sure a program the tests need is there: on Debian as root by installing its package, else by one clear sentence. */
export function ensureProgram(program: string, debianPackage: string): void {
  if (has(program)) return
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env: environment })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
      stdio: 'ignore',
      env: environment,
    })
    if (has(program)) return
  }
  process.stderr.write(
    `The tests need ${program}: install it (on Debian: apt-get install ${debianPackage}) and run them again.\n`,
  )
  process.exit(1)
}

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
}
