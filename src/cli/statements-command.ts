import { type Command, Option } from 'commander'
import { StatementRefused } from '../reconciliation/readers/refused.ts'
import { statementMapping } from '../reconciliation/readers/table/mapping.ts'
import { inspectStatements } from './statements.ts'
import { print, readJson } from './store.ts'

type InspectOptions = { format?: 'mt940' | 'camt' | 'csv' | 'xlsx'; mapping?: string }

export function registerStatementCommands(program: Command): void {
  program
    .command('statements')
    .description('bank statement files')
    .command('inspect <file>')
    .description('one JSON object per statement; exit 1 and a clear message when the file is broken')
    .addOption(
      new Option('--format <name>', 'recognised from the file when left out').choices(['mt940', 'camt', 'csv', 'xlsx']),
    )
    .option('--mapping <file>', 'mapping of a CSV or XLSX file')
    .action(async (file: string, { format, mapping }: InspectOptions) => {
      try {
        const statements = inspectStatements(file, {
          ...(format === undefined ? {} : { format }),
          ...(mapping === undefined ? {} : { mapping: statementMapping.parse(await readJson(mapping)) }),
        })
        for await (const summary of statements) print(JSON.stringify(summary))
      } catch (error) {
        if (!(error instanceof StatementRefused)) throw error
        process.stderr.write(`${error.code}: ${error.message}\n`)
        for (const { line, message } of error.problems) process.stderr.write(`  line ${line ?? '-'}: ${message}\n`)
        process.exitCode = 1
      }
    })
}
