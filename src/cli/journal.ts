import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { exportedLink, linkFields } from '../journal/checkpoint.ts'
import { type Link, proveConsistency } from '../journal/consistency.ts'
import { type Finding, verifyJournal } from '../journal/verify.ts'
import type { Transaction } from '../store/database.ts'
import { readBatchAfter } from '../store/journal-batches.ts'
import { FileError, print, withDatabase } from './store.ts'
import { findKeys } from './verify.ts'

const jwksOption = [
  '--jwks <file>',
  "the gateway's keys as saved from /.well-known/jwks.json; its own when left out",
] as const

export function registerJournalCommands(program: Command): void {
  const journal = program.command('journal').description('the journal that cannot be rewritten')
  journal
    .command('verify')
    .description('recompute entries, trees, chain and signatures; names what was changed, exit 1')
    .option(...jwksOption)
    .action(async ({ jwks }: { jwks?: string }) => {
      const find = await findKeys(jwks)
      const verdict = await withDatabase((database) => verifyJournal(database, find))
      for (const finding of verdict.findings) print(findingLine(finding))
      const counted = `${verdict.entries} entries in ${verdict.batches} batches, ${verdict.waiting} waiting for their seal`
      print(verdict.findings.length === 0 ? `VALID ${counted}` : `NOT VALID ${counted}`)
      if (verdict.findings.length > 0) process.exitCode = 1
    })
  journal
    .command('export')
    .description('signed checkpoints for a witness outside, one JSON object a line')
    .requiredOption('--checkpoints', 'links of the chain with their signatures; no entry leaves')
    .option('--after <batch>', 'only batches after this one', '0')
    .action(async ({ after }: { after: string }) => {
      if (!/^\d{1,15}$/.test(after)) throw new FileError('--after is the number of a batch')
      await withDatabase(async (database) => {
        for await (const { link, checkpoints } of storedLinks(database, BigInt(after)))
          print(JSON.stringify({ ...linkFields(link), checkpoints }))
      })
    })
  journal
    .command('consistency')
    .description('prove that the journal of today extends a checkpoint kept outside; exit 1 when it does not')
    .requiredOption('--from <file>', 'what journal export wrote then; its last line counts')
    .option('--with <file>', 'what journal export wrote now; the store itself when left out')
    .option(...jwksOption)
    .action(async ({ from, with: newer, jwks }: { from: string; with?: string; jwks?: string }) => {
      const find = await findKeys(jwks)
      const [line] = (await readFile(from, 'utf8')).trim().split('\n').slice(-1)
      const kept = readLine(line ?? '', from)
      const [old] = kept.checkpoints
      if (old === undefined) throw new FileError(`${from}: no checkpoint in its last line`)
      const verdict =
        newer === undefined
          ? await withDatabase((database) => proveConsistency(old, storedLinks(database, kept.link.number - 1n), find))
          : await proveConsistency(old, fileLinks(newer), find)
      if (verdict.ok) return print(`EXTENDS batch ${verdict.from} up to batch ${verdict.to}`)
      print(`DOES NOT EXTEND: ${verdict.reason}`)
      process.exitCode = 1
    })
}

async function* storedLinks(source: Pick<Transaction, 'query'>, after: bigint): AsyncGenerator<Link> {
  for (let number = after; ; ) {
    const batch = await readBatchAfter(source, number)
    if (batch === null) return
    const { checkpoints, ...link } = batch
    yield { link, checkpoints: checkpoints.map(({ jws }) => jws) }
    number = batch.number
  }
}

async function* fileLinks(file: string): AsyncGenerator<Link> {
  for await (const line of createInterface({ input: createReadStream(file) }))
    if (line !== '') yield readLine(line, file)
}

function readLine(line: string, file: string): Link {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new FileError(`${file} does not hold one JSON object a line`, { cause: error })
  }
  const read = exportedLink.safeParse(value)
  if (!read.success) throw new FileError(`${file}: not a line of journal export`)
  return read.data
}

function findingLine({ what, batch, seq, subject, detail }: Finding): string {
  const place = [seq === null ? null : `entry ${seq}`, subject, batch === null ? null : `batch ${batch}`].filter(
    (part) => part !== null,
  )
  return `${what} ${place.join(', ')}: ${detail}`
}
