import type { FieldError } from '../problem/problem.ts'

type Issue = { readonly instancePath?: string; readonly keyword?: string; readonly message?: string; readonly params?: unknown }

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
export function fieldErrors(error: { readonly validation: readonly Issue[]; readonly validationContext?: string }): FieldError[] {
  return error.validation.slice(0, 50).map((issue) => {
    const code = issue.keyword ?? 'custom'
    const en = issue.message ?? 'not valid'
    // A schema of ours may carry its Vietnamese text after a bar: "English | Tiếng Việt".
    const [english, own] = en.split(' | ')
    return {
      field: fieldName(issue.instancePath ?? '', error.validationContext),
      code,
      vi: own ?? vietnamese[code] ?? 'Giá trị không hợp lệ',
      en: english ?? en,
    }
  })
}

/** `/items/0/quantity` → `items[0].quantity`; query and header fields keep their place in front. */
function fieldName(pointer: string, context: string | undefined): string {
  const path = pointer
    .split('/')
    .filter((part) => part !== '')
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('')
  if (context === undefined || context === 'body') return path === '' ? 'body' : path
  return path === '' ? context : `${context}.${path}`
}
