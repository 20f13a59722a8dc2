/** The same callback written in another way: accepted with the same meaning only where the rail's rules say that its proof still holds. */
import type { SampleCallback } from '../../../adapters/conformance.ts'
import type { RawRequest } from '../../../adapters/contract.ts'
import { eachCallback, proofOf, refusedUnless, unproven } from './callback-checks.ts'
import { fieldsOf, type Message, messageOf, renamed, withField, withText } from './message.ts'
import { type Check, meaningOf, readAt, type Subject } from './subject.ts'

/** Names that are covered, and the one that carries the proof. */
function guardedNames({ proof }: SampleCallback): string[] {
  return 'field' in proof.carrier ? [...proof.signed, proof.carrier.field] : [...proof.signed]
}

/** Lines for each variant that has another meaning than the request, or is refused where it must hold. */
function sameMeaning(
  sample: SampleCallback,
  request: RawRequest,
  subject: Subject,
  variants: readonly (readonly [string, string])[],
): string[] {
  const meant = meaningOf(readAt(subject, request))
  const holds = sample.proof.over !== 'bytes'
  return variants.flatMap(([what, text]) => {
    if (text === messageOf(request).text) return []
    const reading = readAt(subject, withText(request, text))
    const meaning = meaningOf(reading)
    if (holds) return meaning === meant ? [] : [`${what} is taken as ${meaning}`]
    return refusedUnless(reading, what)
  })
}

const reordered = eachCallback(
  'in another order, spacing or encoding it means the same, where the rail signs values',
  (sample, request, subject) => {
    const message = messageOf(request)
    if (message.text === '') return []
    return sameMeaning(
      sample,
      request,
      subject,
      message.kind === 'json' ? jsonVariants(message) : queryVariants(message),
    )
  },
)

function jsonVariants({ text, value }: Message & { kind: 'json' }): [string, string][] {
  const reversed = (object: object): object =>
    Object.fromEntries(
      Object.entries(object)
        .reverse()
        .map(([name, part]) => [
          name,
          typeof part === 'object' && part !== null && !Array.isArray(part) ? reversed(part) : part,
        ]),
    )
  const escaped = text.replace(/"(?:[^"\\]|\\.)*"/g, (string) =>
    string.replace(/[a-z]/i, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
  return [
    ['in reverse order', JSON.stringify(reversed(value))],
    ['on many lines', JSON.stringify(value, null, 2)],
    ['with spaces around', ` \n${text}\r\n\t `],
    ['with a letter of each text escaped', escaped.includes('\\u005c') ? text : escaped],
    [
      'with non-ASCII escaped',
      text.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ],
  ]
}

function queryVariants({ text, pairs }: Message & { kind: 'pairs' }): [string, string][] {
  const written = (encode: (text: string) => string): string =>
    pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  return [
    ['in reverse order', text.split('&').reverse().join('&')],
    ['in sorted order', text.split('&').sort().join('&')],
    ['with %20 for a space', text.replaceAll('+', '%20')],
    ['with small hexadecimal', text.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase())],
    ['as encodeURIComponent writes it', written(encodeURIComponent)],
    [
      'with every character encoded',
      written((part) =>
        [...Buffer.from(part)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
      ),
    ],
    ['with empty pairs between', `&${text.replaceAll('&', '&&')}&`],
  ]
}

const twice = eachCallback(
  'with a covered field twice it is refused, whatever the second one says',
  (sample, request, subject) => {
    const message = messageOf(request)
    return guardedNames(sample).flatMap((name) => {
      const value = fieldsOf(message).find(([other]) => other === name)?.[1]
      if (value === undefined) return []
      return [value, '1', ''].flatMap((second) =>
        doubled(message, name, second).flatMap((text) =>
          refusedUnless(readAt(subject, withText(request, text)), `${name} twice (${String(second).slice(0, 20)})`),
        ),
      )
    })
  },
)

/** The text with a second `name`, before the first one and behind all others. */
function doubled(message: Message, name: string, value: unknown): string[] {
  if (message.kind === 'json') {
    const path = name.split('.')
    const inner = path.at(-1) ?? ''
    const extra = `${JSON.stringify(inner)}:${JSON.stringify(value)}`
    const holder =
      path.length === 1 ? message.text.indexOf('{') : message.text.indexOf('{', message.text.indexOf(`"${path[0]}"`))
    const escapedName = `"\\u${inner.charCodeAt(0).toString(16).padStart(4, '0')}${inner.slice(1)}":${JSON.stringify(value)}`
    const at = (text: string): string => `${message.text.slice(0, holder + 1)}${text},${message.text.slice(holder + 1)}`
    return path.length === 1
      ? [at(extra), at(escapedName), message.text.replace(/\}$/, `,${extra}}`)]
      : [at(extra), at(escapedName)]
  }
  const pairs = [
    `${name}=${encodeURIComponent(String(value))}`,
    `${name}[]=${encodeURIComponent(String(value))}`,
    `${name}%5B0%5D=x`,
    `${name}[a][b]=x`,
    name,
  ]
  return pairs.flatMap((pair) => [`${pair}&${message.text}`, `${message.text}&${pair}`])
}

const otherNames = eachCallback(
  'with a covered field under a name of other letters, or without it, it is refused',
  (sample, request, subject) => {
    const fields = new Map(fieldsOf(messageOf(request)))
    return guardedNames(sample).flatMap((name) => {
      if (!fields.has(name)) return []
      const last = name.split('.').at(-1) ?? ''
      const spellings = [
        last.toUpperCase(),
        last.toLowerCase(),
        `${last} `,
        `${last}\u0000`,
        ` ${last}`,
        `${last}2`,
      ].filter((other) => other !== last)
      const covered = !isEmpty(fields.get(name))
      return [
        ...spellings.flatMap((other) => {
          const called = renamed(request, name, other)
          const reading = readAt(subject, called)
          const holds = !covered || sample.proof.covers(called) === sample.proof.covers(request)
          return holds
            ? sameOrRefused(request, subject, reading, name)
            : refusedUnless(reading, `${name} called ${JSON.stringify(other)}`)
        }),
        ...(covered ? refusedUnless(readAt(subject, withField(request, name, undefined)), `${name} left out`) : []),
      ]
    })
  },
)

/** Empty values often sign like absent ones: then the rest must mean the same. */
function sameOrRefused(
  request: RawRequest,
  subject: Subject,
  reading: ReturnType<typeof readAt>,
  name: string,
): string[] {
  const meaning = meaningOf(reading)
  return reading.kind === 'refused' || meaning === meaningOf(readAt(subject, request))
    ? []
    : [`without the empty ${name} it is taken as ${meaning}`]
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === null || value === undefined
}

const otherValues = eachCallback('with any covered value changed it is refused', (sample, request, subject) => {
  const fields = new Map(fieldsOf(messageOf(request)))
  return sample.proof.signed.flatMap((name) => {
    const value = fields.get(name)
    const text = String(value ?? '')
    const changes: unknown[] = [
      `${text}0`,
      `0${text}`,
      ` ${text}`,
      `${text} `,
      `${text}\n`,
      text.slice(0, -1),
      swappedCase(text),
      text.normalize('NFD'),
      text.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
      [value],
      { '': value },
      true,
      ...(typeof value === 'number' ? [value + 1, -value, value / 10, String(value + 1)] : []),
    ]
    return changes.flatMap((changed) => {
      const same =
        changed === value ||
        (isEmpty(changed) && isEmpty(value)) ||
        (messageOf(request).kind === 'pairs' && String(changed) === text)
      const written = withField(request, name, changed)
      // A text for a number, or the other way round, may sign alike: then it must mean the same.
      if (same) return []
      const reading = readAt(subject, written)
      if (sample.proof.covers(written) === sample.proof.covers(request))
        return sameOrRefused(request, subject, reading, name)
      return refusedUnless(reading, `${name} as ${JSON.stringify(changed)}`)
    })
  })
})

function swappedCase(text: string): string {
  return [...text]
    .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
    .join('')
}

const spelling = eachCallback(
  'a proof counts in the spellings the rail allows, and in no other',
  (sample, request, subject) => {
    const meant = meaningOf(readAt(subject, request))
    if (sample.proof.spelling === 'json') return []
    const proof = proofOf(request, sample)
    // What leads a code or a credential names its kind, in letters of either case by HTTP's own rule.
    const digits = proof.replace(/^(?:sha256=|\w+ )/, '')
    const lead = proof.slice(0, proof.length - digits.length)
    const read = (other: string) => readAt(subject, unproven(request, sample, other))
    const cases = [digits.toUpperCase(), digits.toLowerCase()].filter((other) => other !== digits)
    const letters = cases.flatMap((other) => {
      const reading = read(lead + other)
      if (sample.proof.spelling !== 'hex') return refusedUnless(reading, 'in other letters')
      return meaningOf(reading) === meant ? [] : [`in other letters it is taken as ${meaningOf(reading)}`]
    })
    const others = [
      ` ${proof}`,
      `${proof} `,
      `${proof}\n`,
      `0x${proof}`,
      `${proof},${proof}`,
      proof.replace(/.$/, (end) => `${end}=`),
    ]
    return [...letters, ...others.flatMap((other) => refusedUnless(read(other), JSON.stringify(other.slice(0, 12))))]
  },
)

const borders = eachCallback(
  'characters moved between neighbours in the covered text never make another meaning',
  (sample, request, subject) => {
    const { proof } = sample
    const fields = new Map(fieldsOf(messageOf(request)))
    const meant = meaningOf(readAt(subject, request))
    return proof.signed.slice(1).flatMap((right, index) => {
      const left = proof.signed[index] ?? ''
      if (proof.borderless?.some(([a, b]) => a === left && b === right) === true) return []
      const [before, after] = [fields.get(left), fields.get(right)].map((value) => String(value ?? ''))
      const whole = (before ?? '') + (after ?? '')
      const cuts = Array.from({ length: whole.length + 1 }, (_, cut): [string, string] => [
        whole.slice(0, cut),
        whole.slice(cut),
      ])
      const joints = ['', '|', '&', '=', `&${right}=`, `|${right}=`].flatMap(
        (joint): [string, string | undefined][] => [
          [before + joint + after, ''],
          [before + joint + after, undefined],
          ['', before + joint + after],
        ],
      )
      return [...cuts, ...joints].flatMap(([first, second]) => {
        const moved = withField(withField(request, left, first), right, second)
        const reading = readAt(subject, moved)
        const meaning = meaningOf(reading)
        const orphan = reading.kind === 'outcome' && reading.outcome.merchantRef === null
        if (orphan && proof.orphaning?.some(([a, b]) => a === left && b === right) === true) return []
        return reading.kind === 'refused' || meaning === meant
          ? []
          : [`${left} ${JSON.stringify(first)}, ${right} ${JSON.stringify(second)}: ${meaning}`]
      })
    })
  },
)

const strangeBytes = eachCallback(
  'with bytes that two readers could take differently it is refused or means the same',
  (_sample, request, subject) => {
    const message = messageOf(request)
    const meant = meaningOf(readAt(subject, request))
    const texts =
      message.kind === 'json'
        ? [
            `\ufeff${message.text}`,
            `${message.text}\u0000`,
            `${message.text}${message.text}`,
            `[${message.text}]`,
            message.text.replace('{', '{"__proto__":{"amount":1},'),
            message.text.replace('{', '{"constructor":1,'),
            message.text.replace(/:(\d+)([,}])/g, ':$1.0$2'),
            message.text.replace(/:(\d+)([,}])/g, ':$1e0$2'),
            message.text.replace('{', '{/**/'),
            message.text.replace(/}$/, ',}'),
          ]
        : [
            `${message.text}&x=%`,
            `${message.text}&x=%zz`,
            `${message.text}&x=%C0%80`,
            `${message.text}&x=%ff`,
            `${message.text}&x=é`,
            `${message.text}#x`,
            `?${message.text}`,
            message.text.replaceAll('&', ';'),
            message.text.replaceAll('=', '%3D'),
            `${message.text}&__proto__=1&constructor=2`,
            `${message.text}&x[${'['.repeat(50)}=1`,
            `${message.text}${'&x=1'.repeat(500)}`,
          ]
    const bytes = [
      { ...request, body: Buffer.concat([request.body, Buffer.from([0xff])]) },
      { ...request, body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), request.body]) },
      { ...request, body: Buffer.from(Buffer.from(request.body).toString('utf8'), 'utf16le') },
    ]
    const variants = [...texts.map((text) => withText(request, text)), ...(request.body.byteLength > 0 ? bytes : [])]
    return variants.flatMap((variant) => {
      const reading = readAt(subject, variant)
      return reading.kind === 'refused' || meaningOf(reading) === meant
        ? []
        : [`${messageOf(variant).text.slice(0, 40)} is taken as ${meaningOf(reading)}`]
    })
  },
)

export const formChecks: readonly Check[] = [reordered, twice, otherNames, otherValues, spelling, borders, strangeBytes]
