import { count, key, money, type Report, text } from './report.ts'

/** What a transaction of the books is: money that paid an invoice, or money that left again. */
const paying = `('APPLIED', 'OVERPAID')`

export const collections: Report = {
  name: 'collections',
  titleVi: 'Số thu theo cơ quan, thủ tục, kênh, ngày',
  titleEn: 'Collections by agency, procedure, channel, rail and day',
  over: 'days',
  columns: [
    key('day', 'Ngày', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('procedureCode', 'Mã thủ tục'),
    key('channel', 'Kênh'),
    key('rail', 'Đơn vị thanh toán'),
    count('payments', 'Số giao dịch'),
    money('collected', 'Đã thu'),
    money('reversed', 'Ngân hàng thu hồi'),
    money('refunded', 'Đã hoàn'),
    money('net', 'Còn lại'),
  ],
  sql: `SELECT local_day(c.booked_at) AS "day", i.collecting_agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", i.procedure_code AS "procedureCode",
           CASE c.source WHEN 'COUNTER' THEN 'COUNTER' ELSE coalesce(h.channel, '') END AS "channel", r.rail AS "rail",
           count(DISTINCT c.transaction_id) FILTER (WHERE c.kind IN ${paying}) AS "payments",
           coalesce(sum(c.amount) FILTER (WHERE c.kind IN ${paying}), 0)::bigint AS "collected",
           coalesce(-sum(c.amount) FILTER (WHERE c.kind = 'REVERSED'), 0)::bigint AS "reversed",
           coalesce(-sum(c.amount) FILTER (WHERE c.kind NOT IN ('APPLIED', 'OVERPAID', 'REVERSED')), 0)::bigint AS "refunded",
           sum(c.amount)::bigint AS "net"
      FROM report_collected c
      JOIN invoices i ON i.id = c.invoice_id
      JOIN agencies a ON a.code = i.collecting_agency_code
      JOIN rail_accounts r ON r.id = c.rail_account_id
      LEFT JOIN json_to_recordset($5::json) AS h(rail text, channel text) ON h.rail = r.rail
     WHERE c.tenant_id = $1 AND c.booked_at >= $2 AND c.booked_at < $3 AND ($4::text IS NULL OR i.collecting_agency_code = $4)
     GROUP BY 1, 2, 4, 5, 6`,
}

/** Money on an agency's own account belongs to the Treasury or to the agency by its rule; a State-budget account is the Treasury's already. */
export const remittance: Report = {
  name: 'remittance',
  titleVi: 'Số phải nộp ngân sách theo cơ quan, tiểu mục và kỳ nộp',
  titleEn: 'Remittance due to the Treasury by agency, economic code and cycle',
  over: 'days',
  columns: [
    key('periodEnd', 'Cuối kỳ nộp', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('accountId', 'Tài khoản thu'),
    key('economicCode', 'Mã NDKT (tiểu mục)'),
    text('cycle', 'Kỳ nộp'),
    text('treasuryAccount', 'Tài khoản Kho bạc'),
    money('collected', 'Đã thu'),
    money('takenBack', 'Thu hồi và hoàn trả'),
    money('due', 'Phải nộp'),
  ],
  sql: `SELECT CASE coalesce(m.cycle, 'DAILY') WHEN 'DAILY' THEN local_day(c.booked_at)
             WHEN 'WEEKLY' THEN (date_trunc('week', local_day(c.booked_at)::timestamp) + interval '6 days')::date
             ELSE (date_trunc('month', local_day(c.booked_at)::timestamp) + interval '1 month - 1 day')::date END AS "periodEnd",
           b.agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", b.id AS "accountId", c.economic_code AS "economicCode",
           min(coalesce(m.cycle, 'DAILY')) AS "cycle", min(coalesce(m.treasury_account, '')) AS "treasuryAccount",
           coalesce(sum(c.amount) FILTER (WHERE c.kind IN ${paying}), 0)::bigint AS "collected",
           coalesce(-sum(c.amount) FILTER (WHERE c.kind NOT IN ${paying}), 0)::bigint AS "takenBack",
           sum(c.amount)::bigint AS "due"
      FROM report_collected c
      JOIN beneficiary_accounts b ON b.id = c.beneficiary_account_id AND b.creditor = 'COLLECTING_AGENCY'
      JOIN agencies a ON a.code = b.agency_code
      LEFT JOIN LATERAL (
        SELECT cycle, treasury_account FROM remittance_rules m
         WHERE m.agency_code = b.agency_code AND (m.economic_code = c.economic_code OR m.economic_code IS NULL)
         ORDER BY m.economic_code NULLS LAST LIMIT 1) m ON true
     WHERE c.tenant_id = $1 AND c.booked_at >= $2 AND c.booked_at < $3 AND ($4::text IS NULL OR b.agency_code = $4)
     GROUP BY 1, 2, 4, 5`,
}
