import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Makes sure a program the tests need is there: on Debian as root by installing its package, else by one clear sentence. */
export function ensureProgram(program: string, debianPackage: string, versionArgument = '--version'): void {
  if (has(program, versionArgument)) return
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env: environment })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], {
      stdio: 'ignore',
      env: environment,
    })
    if (has(program, versionArgument)) return
  }
  process.stderr.write(
    `The tests need ${program}: install it (on Debian: apt-get install ${debianPackage}) and run them again.\n`,
  )
  process.exit(1)
}

/** Where a program is found that `ensureProgram` has seen to. */
export function pathOf(program: string): string {
  const folder = (process.env.PATH ?? '').split(delimiter).find((folder) => existsSync(join(folder, program)))
  if (folder === undefined) throw new Error(`${program} is not on the PATH`)
  return join(folder, program)
}

function has(program: string, versionArgument: string): boolean {
  return spawnSync(program, [versionArgument], { stdio: 'ignore' }).status === 0
}
