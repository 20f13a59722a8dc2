import { count, key, money, type Report, text } from './report.ts'

/** Cash is what a clerk takes at a counter; everything else comes from a bank. */
export const nonCash: Report = {
  name: 'non-cash',
  titleVi: 'Tỷ lệ thanh toán không dùng tiền mặt',
  titleEn: 'Share of payments without cash',
  over: 'days',
  columns: [
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    count('payments', 'Số giao dịch'),
    count('cashPayments', 'Trong đó tiền mặt'),
    money('amount', 'Số tiền'),
    money('cashAmount', 'Trong đó tiền mặt'),
    { name: 'nonCashShare', vi: 'Tỷ lệ giao dịch không tiền mặt (%)', type: 'percent' },
    { name: 'nonCashAmountShare', vi: 'Tỷ lệ số tiền không tiền mặt (%)', type: 'percent' },
  ],
  sql: `SELECT i.collecting_agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", count(DISTINCT c.transaction_id) AS "payments",
           count(DISTINCT c.transaction_id) FILTER (WHERE c.source = 'COUNTER') AS "cashPayments", sum(c.amount)::bigint AS "amount",
           coalesce(sum(c.amount) FILTER (WHERE c.source = 'COUNTER'), 0)::bigint AS "cashAmount",
           round(100.0 * count(DISTINCT c.transaction_id) FILTER (WHERE c.source <> 'COUNTER') / count(DISTINCT c.transaction_id), 2) AS "nonCashShare",
           round(100 * coalesce(sum(c.amount) FILTER (WHERE c.source <> 'COUNTER'), 0) / sum(c.amount), 2) AS "nonCashAmountShare"
      FROM report_collected c
      JOIN invoices i ON i.id = c.invoice_id
      JOIN agencies a ON a.code = i.collecting_agency_code
     WHERE c.tenant_id = $1 AND c.booked_at >= $2 AND c.booked_at < $3 AND ($4::text IS NULL OR i.collecting_agency_code = $4)
       AND c.kind IN ('APPLIED', 'OVERPAID')
     GROUP BY 1`,
}

/** By the rails' own settlement files, on the day the payer paid. */
export const railFees: Report = {
  name: 'rail-fees',
  titleVi: 'Phí của đơn vị thanh toán',
  titleEn: 'Fees of rails',
  over: 'days',
  columns: [
    key('day', 'Ngày', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('rail', 'Đơn vị thanh toán'),
    key('railAccountId', 'Tài khoản kênh thanh toán'),
    count('transactions', 'Số giao dịch'),
    money('gross', 'Người nộp trả'),
    money('fee', 'Phí'),
    money('net', 'Cơ quan nhận'),
    { name: 'feeShare', vi: 'Tỷ lệ phí (%)', type: 'percent' },
  ],
  sql: `SELECT local_day(f.occurred_at) AS "day", b.agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", c.rail AS "rail",
           c.id AS "railAccountId", count(*) AS "transactions", sum(CASE f.status WHEN 'REVERSED' THEN -f.gross ELSE f.gross END)::bigint AS "gross",
           sum(f.fee)::bigint AS "fee", sum(f.net)::bigint AS "net", round(100 * sum(f.fee) / sum(f.gross), 3) AS "feeShare"
      FROM report_rail_fees f
      JOIN rail_accounts c ON c.id = f.rail_account_id
      JOIN beneficiary_accounts b ON b.id = c.beneficiary_account_id
      JOIN agencies a ON a.code = b.agency_code
     WHERE f.tenant_id = $1 AND f.occurred_at >= $2 AND f.occurred_at < $3 AND ($4::text IS NULL OR b.agency_code = $4)
     GROUP BY 1, 2, 4, 5`,
}

export const onlineShare: Report = {
  name: 'online-share',
  titleVi: 'Tỷ lệ hồ sơ có nghĩa vụ tài chính được thanh toán trực tuyến',
  titleEn: 'Share of dossiers with an obligation that were paid online',
  over: 'days',
  columns: [
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    count('dossiers', 'Hồ sơ có khoản phải nộp'),
    count('paid', 'Đã nộp'),
    count('paidOnline', 'Đã nộp trực tuyến'),
    { name: 'onlineShare', vi: 'Tỷ lệ trực tuyến (%)', type: 'percent' },
  ],
  sql: `SELECT d.agency AS "agencyCode", min(a.name_vi) AS "agencyName", count(*) AS "dossiers", count(*) FILTER (WHERE d.paid) AS "paid",
           count(*) FILTER (WHERE d.paid AND d.online) AS "paidOnline", round(100.0 * count(*) FILTER (WHERE d.paid AND d.online) / count(*), 2) AS "onlineShare"
      FROM (SELECT i.collecting_agency_code AS agency, i.dossier_code, bool_or(s.id IS NOT NULL) AS paid,
                   bool_and(s.source <> 'COUNTER' AND c.rail <> 'bill-pull') FILTER (WHERE s.id IS NOT NULL) AS online
              FROM invoices i
              LEFT JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')
              LEFT JOIN rail_accounts c ON c.id = s.rail_account_id
             WHERE i.tenant_id = $1 AND i.issued_at >= $2 AND i.issued_at < $3 AND ($4::text IS NULL OR i.collecting_agency_code = $4)
               AND i.total > 0 AND i.status NOT IN ('CANCELLED', 'SUPERSEDED')
             GROUP BY 1, 2) d
      JOIN agencies a ON a.code = d.agency
     GROUP BY 1`,
}
