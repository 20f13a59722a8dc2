/**
 * What the source itself must not hold: patterns that a hostile text can keep busy, and secrets compared byte by byte with ===.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))
const sourceOf = (...folders: string[]): [file: string, text: string][] =>
  folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name): [string, string] => [
        `${folder}/${name}`,
        readFileSync(`${root}${folder}/${name}`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
      ]),
  )

/** A regular expression literal, where an expression may begin. */
const literal =
  /(?<=(?:[(,=:[!&|?{};]|return|=>)\s*)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)(?=\s*[.,;)\]}\n?:&|])/g

/** One pattern on one hostile text takes microseconds; one that backtracks without end is stopped after this. */
const watchdogMs = 20_000

function hostileTexts(): string[] {
  const units = [
    'a',
    'A',
    '0',
    '9.',
    '0,',
    '-',
    '_',
    '.',
    ' ',
    '|',
    '=',
    '&',
    '"',
    '\\"',
    '{',
    '+',
    'E+',
    '/',
    ':',
    'a.',
    'a ',
    '0-',
    'đ',
    '\t',
    'A0',
  ]
  const starts = ['', 'A', '0', '"', '/', 'a@', '\n']
  return units.flatMap((unit) =>
    starts.flatMap((start) => ['', '\u0000', '!'].map((end) => start + unit.repeat(3_000 / unit.length) + end)),
  )
}

t.test('no pattern of the source can be kept busy by a hostile text', async (t) => {
  const patterns = sourceOf('src', 'adapters').flatMap(([file, text]) =>
    [...text.matchAll(literal)].map(([, source = '', flags = '']) => ({ file, source, flags: flags.replace('y', '') })),
  )
  t.ok(patterns.length > 400, 'the patterns are found')
  const context = createContext({ texts: hostileTexts(), pattern: /(?:)/ })
  const isSlow = (source: string, flags: string, timeout = watchdogMs): boolean => {
    context.pattern = new RegExp(source, flags.replace('g', ''))
    try {
      runInContext('for (const text of texts) pattern.test(text)', context, { timeout })
      return false
    } catch (error) {
      // Made in the context, so no Error of ours.
      if (
        typeof error === 'object' &&
        error !== null &&
        'code' in error &&
        error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
      )
        return true
      throw error
    }
  }
  t.same(
    patterns.filter(({ source, flags }) => isSlow(source, flags)).map(({ file, source }) => `${file} ${source}`),
    [],
  )
  t.ok(isSlow('^(?:[-_.]*[0-9a-zA-Z]+)*$', '', 500), 'one that can is found')
})

t.test('codes that prove who speaks are compared in constant time', async (t) => {
  const operands = /([\w.?]+(?:\([^()]*\))?)\s(?:===|!==|==|!=)\s([^\s&|)?;,]+)/g
  const proof = /(?:mac|signature|secureHash|checksum|digest|secret|password|apiKey|otp|jti|assertion)(?:\([^()]*\))?$/i
  const isFixed = (operand: string): boolean => /^(?:['"`\d-]|null\b|undefined\b|true\b|false\b)/.test(operand)
  /** A signature with its own canonical spelling: nothing secret is compared. */
  const excused = new Set(["adapters/vietinbank/rsa.ts: bytes.toString('base64') !== signature"])
  const wrong = sourceOf('adapters', 'src/http', 'src/callback', 'src/settlement', 'src/idempotency', 'src/delivery')
    // The suite that plays banks compares what it has made itself.
    .filter(([file]) => !/conformance/.test(file))
    .flatMap(([file, text]) =>
      [...text.matchAll(operands)]
        .filter(
          ([, left = '', right = '']) => (proof.test(left) && !isFixed(right)) || (proof.test(right) && !isFixed(left)),
        )
        .map(([whole]) => `${file}: ${whole}`),
    )
  t.same(
    wrong.filter((place) => !excused.has(place)),
    [],
  )
  // It sees one when there is one.
  t.ok([...'return expected === fields.signature'.matchAll(operands)].some(([, , right = '']) => proof.test(right)))
})
