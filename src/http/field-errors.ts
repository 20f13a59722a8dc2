import type { FieldError } from '../problem/problem.ts'

type Issue = {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message?: string
  readonly keys?: readonly string[]
}

/** Vietnamese for the kinds of complaint a schema makes; the English text is the schema's own. */
const vietnamese: Record<string, string> = {
  invalid_type: 'Sai kiểu hoặc thiếu giá trị',
  unrecognized_keys: 'Trường không có trong quy định',
  too_small: 'Giá trị quá nhỏ hoặc quá ngắn',
  too_big: 'Giá trị quá lớn hoặc quá dài',
  invalid_format: 'Sai định dạng',
  invalid_value: 'Giá trị không nằm trong danh sách cho phép',
  invalid_union: 'Giá trị không khớp dạng nào được phép',
  not_multiple_of: 'Giá trị phải là số nguyên',
  custom: 'Giá trị không hợp lệ',
}

/** The field and both texts of every complaint of a request schema. */
export function fieldErrorsOf(error: { readonly issues: readonly Issue[] }, place = 'body'): FieldError[] {
  return error.issues
    .flatMap((issue) =>
      issue.keys === undefined || issue.keys.length === 0
        ? [issue]
        : issue.keys.map((key) => ({ ...issue, path: [...issue.path, key] })),
    )
    .slice(0, 50)
    .map((issue) => {
      const code = issue.code ?? 'custom'
      // A schema of ours may carry its Vietnamese text after a bar: "English | Tiếng Việt".
      const [en = 'not valid', own] = (issue.message ?? 'not valid').split(' | ')
      return { field: fieldName(issue.path, place), code, vi: own ?? vietnamese[code] ?? 'Giá trị không hợp lệ', en }
    })
}

type ValidationError = {
  readonly validation: readonly {
    readonly instancePath?: string
    readonly keyword?: string
    readonly message?: string
    readonly params?: object
  }[]
  readonly validationContext?: string
}

/** The same from Fastify's own wrapping of the schema's complaints. */
export function fieldErrors(error: ValidationError): FieldError[] {
  const issues = error.validation.map(({ instancePath = '', keyword, message, params }) => {
    const keys = params !== undefined && 'keys' in params && Array.isArray(params.keys) ? params.keys.map(String) : []
    return {
      code: keyword,
      path: instancePath.split('/').filter((part) => part !== ''),
      ...(message === undefined ? {} : { message }),
      keys,
    }
  })
  return fieldErrorsOf({ issues }, error.validationContext ?? 'body')
}

/** `items[0].quantity`; query, path and header fields keep their place in front. */
function fieldName(path: readonly PropertyKey[], place: string): string {
  const name = path
    .map((part, index) =>
      /^\d+$/.test(String(part)) ? `[${String(part)}]` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join('')
  if (place === 'body') return name === '' ? 'body' : name
  return name === '' ? place : `${place}.${name}`
}
