import fc from 'fast-check'
import t from 'tap'
import { parseAgencyCode } from '../../../src/domain/codes/agency-code.ts'
import { parseBankAccount } from '../../../src/domain/codes/bank-account.ts'
import { parseBudgetUnitCode, parseChapterCode, parseEconomicCode } from '../../../src/domain/codes/budget-code.ts'
import { parseCmnd } from '../../../src/domain/codes/cmnd.ts'
import { parseDossierCode } from '../../../src/domain/codes/dossier-code.ts'
import { parseIdentityNumber } from '../../../src/domain/codes/identity-number.ts'
import { parseNationalPlatformReference } from '../../../src/domain/codes/national-platform-reference.ts'
import { parseOnlineServiceCode } from '../../../src/domain/codes/online-service-code.ts'
import { parsePassportNo } from '../../../src/domain/codes/passport-no.ts'
import { parsePersonalId } from '../../../src/domain/codes/personal-id.ts'
import { parsePhone } from '../../../src/domain/codes/phone.ts'
import { parseProcedureCode } from '../../../src/domain/codes/procedure-code.ts'
import { parseReceiptNumber, parseReceiptSymbol, parseReceiptTemplate } from '../../../src/domain/codes/receipt-code.ts'
import type { Code, CodeFault, Parsed } from '../../../src/domain/codes/result.ts'
import { parseTaxCode } from '../../../src/domain/codes/tax-code.ts'
import { parseTaxObligationId } from '../../../src/domain/codes/tax-obligation-id.ts'
import { parseTreasuryAccount, parseTreasuryCode } from '../../../src/domain/codes/treasury-code.ts'

const now = new Date('2026-11-20T03:00:00Z')

type Family = {
  readonly parse: (received: string) => Parsed<Code>
  /** Canonical already. */
  readonly accepted: readonly string[]
  /** What is received, and its canonical form. */
  readonly rewritten?: Readonly<Record<string, string>>
  readonly refused: Readonly<Record<string, CodeFault>>
}

const families: Readonly<Record<string, Family>> = {
  agencyCode: {
    parse: parseAgencyCode,
    accepted: [
      'H56',
      'H56.14',
      'H15.50.05.13',
      'H55.242',
      'G12.18',
      'G22.99.3',
      '000.00.12.H62',
      '000.00.04.G14',
      '000.21.36.I03',
    ],
    rewritten: { ' h56.14 ': 'H56.14', '000.00.12.h62': '000.00.12.H62' },
    refused: {
      H5: 'WRONG_FORMAT',
      'H56.': 'WRONG_FORMAT',
      'H56.1234': 'WRONG_FORMAT',
      'H56.1.2.3.4.5': 'WRONG_FORMAT',
      '000.00.H62': 'WRONG_FORMAT',
      '00.00.12.H62': 'WRONG_FORMAT',
      'H56-14': 'WRONG_FORMAT',
      '\u041d56.14': 'FORBIDDEN_CHARACTER',
    },
  },
  dossierCode: {
    parse: (received) => parseDossierCode(received, now),
    accepted: [
      'H56.14-240823-0001',
      'H15.50.05.13-261008-0975',
      '000.00.12.H62-201105-0004',
      '000.00.04.G16-210414-0003',
      'H56-240229-0001',
      'G12.18-261120-1200001',
      'H56.14-261121-0001',
    ],
    rewritten: { 'h56.14-240823-0001': 'H56.14-240823-0001', '  H56.14-240823-0001 ': 'H56.14-240823-0001' },
    refused: {
      'H56.14-240230-0001': 'NO_SUCH_DATE',
      'H56.14-230229-0001': 'NO_SUCH_DATE',
      'H56.14-241300-0001': 'NO_SUCH_DATE',
      'H56.14-261122-0001': 'DATE_IN_FUTURE',
      'H56.14-990101-0001': 'DATE_IN_FUTURE',
      'H56-240823-1': 'WRONG_FORMAT',
      'H56-240823-00000001': 'WRONG_FORMAT',
      'H56-2408230001': 'WRONG_FORMAT',
      'H56-240823-0001-1': 'WRONG_FORMAT',
      '-240823-0001': 'WRONG_FORMAT',
      'h56.14-24082-0001': 'WRONG_FORMAT',
      '\u041d56.14-240823-0001': 'FORBIDDEN_CHARACTER',
      'H56.14\u2013240823\u20130001': 'FORBIDDEN_CHARACTER',
    },
  },
  nationalPlatformReference: {
    parse: parseNationalPlatformReference,
    accepted: ['G22.99.3-241219795252', 'G22-241219795252'],
    rewritten: { 'g22.99.3-241219795252': 'G22.99.3-241219795252' },
    refused: {
      'G22.99.3-24121979525': 'WRONG_FORMAT',
      'G22.99.3-241219-795252': 'WRONG_FORMAT',
      '22.99.3-241219795252': 'WRONG_FORMAT',
    },
  },
  procedureCode: {
    parse: parseProcedureCode,
    accepted: ['1.004194', '2.001195', '1.002835.000.00.00.H56', '2.002621.H56', '1.010708.000.00.00.H56'],
    rewritten: { '2.002621.h56': '2.002621.H56' },
    refused: {
      '1.00283': 'WRONG_FORMAT',
      '0.004194': 'WRONG_FORMAT',
      '1.0041945': 'WRONG_FORMAT',
      '1.004194.000.00.H56': 'WRONG_FORMAT',
      '1,004194': 'WRONG_FORMAT',
      '1.004194.': 'WRONG_FORMAT',
    },
  },
  onlineServiceCode: {
    parse: parseOnlineServiceCode,
    accepted: ['2.000815.000.00.00.H55.02', '1.004194.01', '2.002621.H56.10'],
    refused: {
      '2.000815.000.00.00.H55': 'WRONG_FORMAT',
      '2.000815.000.00.00.H55.2': 'WRONG_FORMAT',
      '1.004194': 'WRONG_FORMAT',
      '.02': 'WRONG_FORMAT',
      '02': 'WRONG_FORMAT',
    },
  },
  personalId: {
    parse: parsePersonalId,
    accepted: ['001199000001', '096299999999', '010000000000', '095912345678'],
    refused: {
      '000199000001': 'WRONG_FORMAT',
      '097199000001': 'WRONG_FORMAT',
      '100199000001': 'WRONG_FORMAT',
      '00119900000': 'WRONG_FORMAT',
      '0011990000011': 'WRONG_FORMAT',
      '001199 000001': 'FORBIDDEN_CHARACTER',
      '００１199000001': 'FORBIDDEN_CHARACTER',
    },
  },
  cmnd: {
    parse: parseCmnd,
    accepted: ['123456789', '012345678'],
    refused: { '12345678': 'WRONG_FORMAT', '1234567890': 'WRONG_FORMAT', A23456789: 'WRONG_FORMAT' },
  },
  passportNo: {
    parse: parsePassportNo,
    accepted: ['C1234567', 'AB123', '12345678901234567890'],
    rewritten: { c1234567: 'C1234567' },
    refused: {
      C123: 'WRONG_FORMAT',
      'C-1234567': 'WRONG_FORMAT',
      '123456789012345678901': 'WRONG_FORMAT',
      '\u04211234567': 'FORBIDDEN_CHARACTER',
    },
  },
  identityNumber: {
    parse: parseIdentityNumber,
    accepted: ['001199000001', '123456789', 'C1234567', '12345678'],
    refused: { '999199000001': 'WRONG_FORMAT', 'C 1234567': 'FORBIDDEN_CHARACTER' },
  },
  taxCode: {
    parse: parseTaxCode,
    accepted: ['0100111948', '0100111948-001', '001199000001'],
    rewritten: { '0100111948001': '0100111948-001' },
    refused: {
      '0100111949': 'WRONG_CHECK_DIGIT',
      '0100111949-001': 'WRONG_CHECK_DIGIT',
      '0100111949001': 'WRONG_CHECK_DIGIT',
      '0000000000': 'NEVER_ISSUED',
      '0100111948-01': 'WRONG_FORMAT',
      '0100111948-': 'WRONG_FORMAT',
      '0100111948--001': 'WRONG_FORMAT',
      '999199000001': 'WRONG_FORMAT',
      '010011194': 'WRONG_FORMAT',
    },
  },
  budgetUnitCode: {
    parse: parseBudgetUnitCode,
    accepted: ['1057612'],
    refused: { '105761': 'WRONG_FORMAT', '10576123': 'WRONG_FORMAT' },
  },
  chapterCode: {
    parse: parseChapterCode,
    accepted: ['018'],
    refused: { '18': 'WRONG_FORMAT', '0018': 'WRONG_FORMAT' },
  },
  economicCode: {
    parse: parseEconomicCode,
    accepted: ['2767', '2750'],
    refused: { '276': 'WRONG_FORMAT', '27677': 'WRONG_FORMAT', '276O': 'WRONG_FORMAT' },
  },
  treasuryCode: { parse: parseTreasuryCode, accepted: ['0011'], refused: { '11': 'WRONG_FORMAT' } },
  treasuryAccount: {
    parse: parseTreasuryAccount,
    accepted: ['7111', '3511', '3511.0.1057612'],
    refused: {
      '711': 'WRONG_FORMAT',
      '7111.': 'WRONG_FORMAT',
      '7111..1': 'WRONG_FORMAT',
      '123456789012345678901': 'WRONG_FORMAT',
    },
  },
  bankAccount: {
    parse: parseBankAccount,
    accepted: ['0011001234567', '113366668888', 'V3FEEGATE01'],
    rewritten: { v3feegate01: 'V3FEEGATE01' },
    refused: { '001': 'WRONG_FORMAT', '0011-001': 'WRONG_FORMAT', '1234567890123456789012345': 'WRONG_FORMAT' },
  },
  taxObligationId: {
    parse: parseTaxObligationId,
    accepted: ['1066000012345678', 'AB123'],
    rewritten: { ab123: 'AB123' },
    refused: { AB12: 'WRONG_FORMAT', 'AB-123': 'WRONG_FORMAT' },
  },
  receiptTemplate: {
    parse: parseReceiptTemplate,
    accepted: ['EBL01', 'EBL02'],
    rewritten: { ebl01: 'EBL01' },
    refused: { EBL03: 'WRONG_FORMAT', EBL1: 'WRONG_FORMAT' },
  },
  receiptSymbol: {
    parse: parseReceiptSymbol,
    accepted: ['26TAA', '27TPL'],
    refused: { '26TAF': 'WRONG_FORMAT', '26TAI': 'WRONG_FORMAT', '26TA': 'WRONG_FORMAT', '26KAA': 'WRONG_FORMAT' },
  },
  receiptNumber: {
    parse: parseReceiptNumber,
    accepted: ['1', '12345678'],
    refused: { '0': 'WRONG_FORMAT', '01': 'WRONG_FORMAT', '123456789': 'WRONG_FORMAT' },
  },
  phone: {
    parse: parsePhone,
    accepted: ['0912345678', '0312345678'],
    rewritten: { '+84912345678': '0912345678' },
    refused: {
      '84912345678': 'WRONG_FORMAT',
      '0112345678': 'WRONG_FORMAT',
      '091234567': 'WRONG_FORMAT',
      '+840912345678': 'WRONG_FORMAT',
      '0912 345 678': 'FORBIDDEN_CHARACTER',
      '0912.345.678': 'WRONG_FORMAT',
    },
  },
}

/** Characters no code may hold, wherever they stand. */
const forbidden: Readonly<Record<string, string>> = {
  'a bar': '|',
  'a tab': '\t',
  'a line end': '\n',
  NUL: '\0',
  'a no-break space': '\u00a0',
  'a zero-width space': '\u200b',
  'a zero-width joiner': '\u200d',
  'a byte order mark': '\ufeff',
  'a right-to-left mark': '\u200f',
  'a combining accent (NFD)': '\u0301',
  'a Cyrillic letter': '\u041d',
  'a Kelvin sign, which NFC would make a K': '\u212a',
  'a long s, which upper-casing would make an S': '\u017f',
  'a full-width digit': '\uff11',
  'an Arabic digit': '\u0661',
}

function reading(parsed: Parsed<Code>): CodeFault | Code {
  return parsed.ok ? { received: parsed.value.received, canonical: parsed.value.canonical } : parsed.code
}

for (const [family, { parse, accepted, rewritten = {}, refused }] of Object.entries(families)) {
  t.test(family, async (t) => {
    for (const code of accepted) {
      t.same(reading(parse(code)), { received: code, canonical: code }, `takes ${code}`)
    }
    for (const [received, canonical] of Object.entries(rewritten)) {
      t.same(reading(parse(received)), { received, canonical }, `makes ${canonical} of ${JSON.stringify(received)}`)
    }
    for (const [code, fault] of Object.entries(refused)) {
      t.equal(reading(parse(code)), fault, `refuses ${JSON.stringify(code)}: ${fault}`)
    }
    for (const empty of ['', '   ']) t.equal(reading(parse(empty)), 'EMPTY')
    t.equal(reading(parse('1'.repeat(65))), 'TOO_LONG')
    const [sample = ''] = accepted
    for (const [what, character] of Object.entries(forbidden)) {
      for (const text of [character + sample, sample + character, sample.slice(0, 2) + character + sample.slice(2)]) {
        t.equal(reading(parse(text)), 'FORBIDDEN_CHARACTER', `refuses ${what} in ${JSON.stringify(text)}`)
      }
    }
    t.equal(parse(`${sample.slice(0, 1)} ${sample.slice(1)}`).ok, sample.length === 1, 'refuses a space inside')
  })

  t.test(`${family}: whatever is accepted has a canonical form that is accepted as itself`, async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...accepted, ...Object.keys(rewritten)),
      fc.string({ unit: fc.constantFrom(...' hH56.-0123456789T+|') }),
    )
    fc.assert(
      fc.property(text, (received) => {
        const first = parse(received)
        if (!first.ok) return true
        const again = parse(first.value.canonical)
        return first.value.received === received && again.ok && again.value.canonical === first.value.canonical
      }),
    )
  })
}

t.test('an agency code tells its top and levels in both spellings', async (t) => {
  t.match(parseAgencyCode('H15.50.05.13'), { value: { style: 'NEW', root: 'H15', levels: ['50', '05', '13'] } })
  t.match(parseAgencyCode('000.21.36.I03'), { value: { style: 'OLD', root: 'I03', levels: ['36', '21'] } })
})

t.test('a dossier code tells its agency, day and number', async (t) => {
  t.match(parseDossierCode('000.00.12.h62-201105-0004', now), {
    value: { agency: { canonical: '000.00.12.H62', style: 'OLD' }, receivedOn: '2020-11-05', dailyNumber: '0004' },
  })
})

t.test('tomorrow is counted by the local calendar', async (t) => {
  const code = 'H56.14-270102-0001'
  t.match(parseDossierCode(code, new Date('2026-12-31T16:59:59Z')), { ok: false, code: 'DATE_IN_FUTURE' })
  t.match(parseDossierCode(code, new Date('2026-12-31T17:00:00Z')), { ok: true })
})

t.test('two spellings of one procedure share the national part', async (t) => {
  const parts = ['1.002835', '1.002835.H56', '1.002835.000.00.00.H56'].map((code) => parseProcedureCode(code))
  t.ok(parts.every((code) => code.ok && code.value.nationalPart === '1.002835'))
  t.match(parts, [{ value: { place: null } }, { value: { place: 'H56' } }, { value: { place: 'H56' } }])
})

t.test('an online service code tells its procedure and case', async (t) => {
  t.match(parseOnlineServiceCode('2.000815.000.00.00.H55.02'), {
    value: { procedure: { nationalPart: '2.000815', place: 'H55' }, caseNumber: '02' },
  })
})

t.test('a tax code tells whose it is', async (t) => {
  t.match(parseTaxCode('0100111948'), { value: { holder: 'ORGANISATION', parent: null } })
  t.match(parseTaxCode('0100111948001'), { value: { holder: 'BRANCH', parent: '0100111948' } })
  t.match(parseTaxCode('001199000001'), { value: { holder: 'INDIVIDUAL', parent: null } })
})

t.test('nine first digits have at most one check digit', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{9}$/), (first) => {
      const right = [...'0123456789'].filter((digit) => parseTaxCode(first + digit).ok)
      return right.length === 1 || parseTaxCode(`${first}0`).ok === false
    }),
  )
})

t.test('an identity number tells its document, and twelve digits are never taken for a passport', async (t) => {
  t.match(parseIdentityNumber(' 001199000001 '), { value: { document: 'PERSONAL_ID' } })
  t.match(parseIdentityNumber('123456789'), { value: { document: 'CMND' } })
  t.match(parseIdentityNumber('c1234567'), { value: { document: 'PASSPORT', canonical: 'C1234567' } })
  t.match(parseIdentityNumber('123456789012'), { ok: false, messageVi: /Số định danh cá nhân/ })
})

t.test('receipt codes tell what they mean', async (t) => {
  t.match(parseReceiptTemplate('EBL01'), { value: { presetAmount: false } })
  t.match(parseReceiptTemplate('EBL02'), { value: { presetAmount: true } })
  t.match(parseReceiptSymbol('27TPL'), { value: { year: 2027, letters: 'PL' } })
})

t.test('a very long text is refused at once', async (t) => {
  const started = performance.now()
  for (const { parse } of Object.values(families)) t.notOk(parse(`1.${'1.'.repeat(500_000)}x`).ok)
  t.ok(performance.now() - started < 500)
})

t.test('messages name the code in both languages', async (t) => {
  t.match(parseDossierCode('H56.14-240230-0001', now), {
    messageVi: 'Mã hồ sơ chứa ngày không có thật',
    messageEn: 'The dossier code carries a date that does not exist',
  })
})
