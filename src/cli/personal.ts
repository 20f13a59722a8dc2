import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { personalNumbers } from '../domain/codes/personal-number.ts'
import { masked } from '../domain/retention.ts'
import { realEnvironment } from '../environment.ts'
import {
  addPersonalKey,
  dropPersonalKey,
  openFieldCipher,
  PersonalDataError,
  personalKeyFile,
} from '../personal/field-cipher.ts'
import { erasePersonal, exportPersonal, holdPersonal } from '../personal/keep.ts'
import { personalKeyUse, resealPersons, sealPlainParties } from '../personal/reseal.ts'
import { sealPlain } from '../serve.ts'
import { cliActor, FileError, print, withDatabase, withStore } from './store.ts'

export function registerPersonalCommands(program: Command): void {
  const personal = program
    .command('personal')
    .description('what is held on one person, by an id number, tax code or phone')
  const subject = ['--subject <number>', 'id number, tax code or phone of the person'] as const
  personal
    .command('export')
    .description('one JSON object a line, numbers masked unless --clear; the journal keeps who read it and why')
    .requiredOption(...subject)
    .requiredOption('--purpose <text>', 'why it is read')
    .option('--clear', 'numbers and address in full')
    .action(async ({ subject: number, purpose, clear }: { subject: string; purpose: string; clear?: true }) => {
      const held = await withStore((tx) => exportPersonal(tx, act(), numbersOf(number), purpose))
      for (const { fields, ...row } of held) {
        const shown = Object.entries(fields).map(([name, value = '']) => [name, clear ? value : masked(value)])
        print(JSON.stringify({ ...row, fields: Object.fromEntries(shown) }))
      }
    })
  personal
    .command('seal')
    .description('seals what an earlier version wrote plain, in batches beside the traffic; ends when none is left')
    .action(() =>
      withDatabase(async (database, vault) => {
        const rows = await sealPlain(database, vault)
        let looked = 0
        for (let some = 1; some > 0; looked += some) some = await sealPlainParties({ ...act(), database })
        print(`${rows} rows sealed, ${looked} invoices of an earlier version looked at`)
      }),
    )
  registerKeys(personal.command('keys').description('the keys of personal data: one seals, all open and find'))
  personal
    .command('erase')
    .description(
      'erases it for good; books, signatures, receipts and the journal stay, and so does what is under a legal hold',
    )
    .requiredOption(...subject)
    .action(async ({ subject: number }: { subject: string }) => {
      const { erased, held } = await withStore((tx) => erasePersonal(tx, act(), numbersOf(number)))
      print(`${erased} erased, ${held} under a legal hold`)
    })
  personal
    .command('hold')
    .description('a legal hold: neither a request nor the end of its time erases it')
    .requiredOption(...subject)
    .option('--reason <text>', 'sets the hold')
    .option('--release', 'takes the hold away')
    .action(async (options: { subject: string; reason?: string; release?: true }) => {
      const { reason, release } = options
      if ((reason === undefined) === (release === undefined)) throw new FileError('give --reason or --release')
      const rows = await withStore((tx) => holdPersonal(tx, act(), numbersOf(options.subject), reason ?? null))
      print(`${rows} ${reason === undefined ? 'released' : 'held'}`)
    })
}

/** Longer than a write that has begun under the key before can take. */
const settledMs = 2 * 60 * 1000

function registerKeys(keys: Command): void {
  keys
    .command('list')
    .description('the key that seals first, and how many rows stand under each')
    .action(() =>
      withDatabase(async (database) => {
        const use = new Map((await personalKeyUse(database)).map(({ keyId, rows }) => [keyId, rows]))
        const ids = act().cipher.keyIds()
        for (const [index, id] of ids.entries()) print(`${id}  ${index === 0 ? 'seals' : 'opens'}  ${use.get(id) ?? 0}`)
        for (const [id, rows] of use) if (!ids.includes(id)) print(`${id}  MISSING  ${rows}`)
      }),
    )
  keys
    .command('rotate')
    .description('a new key seals from now on, on every replica; then run "personal keys reseal"')
    .action(() => print(`${addPersonalKey(folder(), realEnvironment.random)} seals from now on`))
  keys
    .command('reseal')
    .description('seal and hash everything anew under the key that seals; the gateway goes on serving')
    .action(() =>
      withDatabase(async (database) => {
        const { rows, left } = await resealPersons({ ...act(), database })
        print(`${rows} resealed${left === 0 ? '' : `, ${left} were busy: run it again`}`)
        if (left > 0) process.exitCode = 1
      }),
    )
  keys
    .command('drop <id>')
    .description('take a key that nothing stands under out of the file')
    .action((id: string) =>
      withDatabase(async (database) => {
        if (Date.now() - statSync(personalKeyFile(folder())).mtimeMs < settledMs)
          throw new PersonalDataError(`the keys were changed a moment ago: wait ${settledMs / 60_000} minutes`)
        const rows = (await personalKeyUse(database)).find(({ keyId }) => keyId === id)?.rows ?? 0
        if (rows > 0) throw new PersonalDataError(`${rows} rows stand under ${id}: run "personal keys reseal" first`)
        dropPersonalKey(folder(), id)
        print(`${id} is gone`)
      }),
    )
}

const folder = (): string => resolve(readConfig(process.env).keysDir)

function act() {
  const cipher = openFieldCipher(folder(), realEnvironment.random)
  return { environment: realEnvironment, cipher, actor: cliActor }
}

/** Every canonical form the number can have. */
function numbersOf(text: string): string[] {
  const numbers = personalNumbers(text)
  if (numbers.length === 0) throw new FileError('--subject is no id number, tax code or phone')
  return numbers
}
