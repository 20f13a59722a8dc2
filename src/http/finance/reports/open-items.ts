import { count, key, money, type Report, text } from './report.ts'

/** Refunds opened in the range, as they stand now. */
export const refunds: Report = {
  name: 'refunds',
  titleVi: 'Hoàn trả theo cơ quan, nguyên nhân, trạng thái',
  titleEn: 'Refunds by agency, origin and state',
  over: 'days',
  columns: [
    key('day', 'Ngày lập', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('origin', 'Nguyên nhân'),
    key('status', 'Trạng thái'),
    count('refunds', 'Số yêu cầu'),
    money('amount', 'Số tiền'),
  ],
  sql: `SELECT local_day(f.created_at) AS "day", x.agency_code AS "agencyCode", min(x.agency_name) AS "agencyName", f.origin AS "origin", f.status AS "status",
           count(*) AS "refunds", sum(f.amount)::bigint AS "amount"
      FROM refunds f JOIN report_transactions x ON x.settlement_id = f.settlement_id
     WHERE f.tenant_id = $1 AND f.created_at >= $2 AND f.created_at < $3 AND ($4::text IS NULL OR x.agency_code = $4)
     GROUP BY 1, 2, 4, 5`,
}

/** Age in business days, Monday to Friday, since the day the money came (statements.md §6). */
export const unexplained: Report = {
  name: 'unexplained',
  titleVi: 'Số tiền chưa rõ nguồn theo tuổi',
  titleEn: 'Unexplained amounts by age',
  over: 'now',
  columns: [
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('railAccountId', 'Tài khoản kênh thanh toán'),
    key('source', 'Nguồn'),
    key('kind', 'Loại'),
    key('age', 'Tuổi (ngày làm việc)'),
    { name: 'oldest', vi: 'Từ ngày', type: 'day' },
    count('items', 'Số khoản'),
    money('amount', 'Số tiền'),
  ],
  sql: `SELECT b.agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", u.rail_account_id AS "railAccountId", u.source AS "source", u.kind AS "kind",
           age_bucket(business_days_between(u.since, $6::date)) AS "age", min(u.since) AS "oldest", count(*) AS "items", sum(u.amount)::bigint AS "amount"
      FROM report_unexplained u
      JOIN rail_accounts c ON c.id = u.rail_account_id
      JOIN beneficiary_accounts b ON b.id = c.beneficiary_account_id
      JOIN agencies a ON a.code = b.agency_code
     WHERE u.tenant_id = $1 AND ($4::text IS NULL OR b.agency_code = $4)
     GROUP BY 1, 3, 4, 5, 6`,
}

export const stuck: Report = {
  name: 'stuck',
  titleVi: 'Việc bị treo cần người xử lý',
  titleEn: 'Stuck items that need a human',
  over: 'now',
  columns: [
    key('kind', 'Loại'),
    key('id', 'Mã'),
    text('agencyCode', 'Mã cơ quan'),
    text('invoiceId', 'Khoản thu'),
    { name: 'since', vi: 'Từ lúc', type: 'time' },
    money('amount', 'Số tiền'),
    text('detail', 'Chi tiết'),
  ],
  sql: `SELECT u.kind AS "kind", u.id AS "id", coalesce(i.collecting_agency_code, '') AS "agencyCode", coalesce(u.invoice_id, '') AS "invoiceId",
           u.since AS "since", coalesce(u.amount, 0)::bigint AS "amount", u.detail AS "detail"
      FROM report_stuck u LEFT JOIN invoices i ON i.id = u.invoice_id
     WHERE u.tenant_id = $1 AND ($4::text IS NULL OR i.collecting_agency_code = $4)`,
}
