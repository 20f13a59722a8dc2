import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { parseIdentityNumber } from '../domain/codes/identity-number.ts'
import { parsePhone } from '../domain/codes/phone.ts'
import { parseTaxCode } from '../domain/codes/tax-code.ts'
import { masked } from '../domain/retention.ts'
import { realEnvironment } from '../environment.ts'
import { openFieldCipher } from '../personal/field-cipher.ts'
import { erasePersonal, exportPersonal, holdPersonal } from '../personal/keep.ts'
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
    .action(async () => print(`${await withDatabase((database, vault) => sealPlain(database, vault))} rows sealed`))
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

function act() {
  const cipher = openFieldCipher(resolve(readConfig(process.env).keysDir), realEnvironment.random)
  return { environment: realEnvironment, cipher, actor: cliActor }
}

/** Every canonical form the number can have. */
function numbersOf(text: string): string[] {
  const forms = [parseIdentityNumber(text), parseTaxCode(text), parsePhone(text)]
  const numbers = [...new Set(forms.flatMap((form) => (form.ok ? [form.value.canonical] : [])))]
  if (numbers.length === 0) throw new FileError('--subject is no id number, tax code or phone')
  return numbers
}
