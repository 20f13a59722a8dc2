import type { FieldError } from '../problem/problem.ts'

type Issue = {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message?: string
  readonly keys?: readonly string[]
  /** Of a union: what each of its forms complains about. */
  readonly errors?: readonly (readonly Issue[])[]
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
    .flatMap(plainIssues)
    .slice(0, 50)
    .map((issue) => {
      const code = issue.code ?? 'custom'
      // A schema of ours may carry its Vietnamese text after a bar: "English | Tiếng Việt".
      const [en = 'not valid', own] = (issue.message ?? 'not valid').split(' | ')
      return { field: fieldName(issue.path, place), code, vi: own ?? vietnamese[code] ?? 'Giá trị không hợp lệ', en }
    })
}

/** One issue a field: each unknown key by itself, and of a union the complaints of the form that was meant, the one that fits best. */
function plainIssues(issue: Issue): Issue[] {
  const { keys = [], errors = [] } = issue
  if (keys.length > 0)
    return keys.map((key) => ({ code: issue.code, message: issue.message ?? '', path: [...issue.path, key] }))
  const [meant] = errors
    .map((form) => form.flatMap(plainIssues))
    .filter((form) => form.length > 0)
    .sort((a, b) => a.length - b.length)
  return meant === undefined ? [issue] : meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

type ValidationError = {
  readonly validation: readonly {
    readonly instancePath?: string
    readonly keyword?: string
    readonly message?: string
    /** What is left of the schema's own complaint. */
    readonly params?: Pick<Issue, 'keys' | 'errors'>
  }[]
  readonly validationContext?: string
}

/** The same from Fastify's own wrapping of the schema's complaints. */
export function fieldErrors(error: ValidationError): FieldError[] {
  const issues = error.validation.map(({ instancePath = '', keyword, message, params }) => {
    const rest: Pick<Issue, 'keys' | 'errors'> = params ?? {}
    return {
      code: keyword,
      path: instancePath.split('/').filter((part) => part !== ''),
      ...(message === undefined ? {} : { message }),
      ...rest,
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
