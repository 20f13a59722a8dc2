import { count, key, money, type Report, text } from './report.ts'

/** By the day of issue; what waits stands under the day it was asked for. */
export const receipts: Report = {
  name: 'receipts',
  titleVi: 'Tổng hợp biên lai',
  titleEn: 'Receipts summary',
  over: 'days',
  columns: [
    key('day', 'Ngày', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('kind', 'Loại'),
    count('issued', 'Biên lai đã lập'),
    money('amount', 'Số tiền'),
    count('adjustments', 'Trong đó điều chỉnh'),
    money('adjusted', 'Số tiền điều chỉnh'),
    count('replacements', 'Trong đó thay thế'),
    count('late', 'Lập khác ngày thu'),
    count('waiting', 'Chưa lập'),
  ],
  // A replacement stands for the same money as what it replaces: it is counted, and its amount is not added again.
  sql: `SELECT coalesce(r.issued_on, local_day(r.requested_at)) AS "day", i.collecting_agency_code AS "agencyCode", min(a.name_vi) AS "agencyName",
           r.kind AS "kind", count(r.number) AS "issued",
           coalesce(sum(r.amount) FILTER (WHERE r.number IS NOT NULL AND r.relation IS DISTINCT FROM 'REPLACES'), 0)::bigint AS "amount",
           count(r.number) FILTER (WHERE r.relation = 'ADJUSTS') AS "adjustments",
           coalesce(sum(r.amount) FILTER (WHERE r.number IS NOT NULL AND r.relation = 'ADJUSTS'), 0)::bigint AS "adjusted",
           count(r.number) FILTER (WHERE r.relation = 'REPLACES') AS "replacements",
           count(r.number) FILTER (WHERE r.issued_on > local_day(r.requested_at)) AS "late",
           count(*) FILTER (WHERE r.number IS NULL) AS "waiting"
      FROM receipts r JOIN invoices i ON i.id = r.invoice_id JOIN agencies a ON a.code = i.collecting_agency_code
     WHERE r.tenant_id = $1 AND ($4::text IS NULL OR i.collecting_agency_code = $4)
       AND (r.issued_on BETWEEN local_day($2) AND local_day($3::timestamptz - interval '1 second')
            OR (r.number IS NULL AND r.requested_at >= $2 AND r.requested_at < $3))
     GROUP BY 1, 2, 4`,
}

export const acknowledgements: Report = {
  name: 'acknowledgements',
  titleVi: 'Thời gian từ khi thanh toán đến khi hệ thống hồ sơ ghi nhận',
  titleEn: 'Time from payment to acknowledgement by the dossier system',
  over: 'days',
  columns: [
    key('day', 'Ngày', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    count('paid', 'Khoản đã nộp'),
    count('acknowledged', 'Đã ghi nhận'),
    count('waiting', 'Chưa ghi nhận'),
    count('withoutEndpoint', 'Không có địa chỉ nhận'),
    { name: 'meanFromPayment', vi: 'Trung bình từ lúc thanh toán (giây)', type: 'seconds' },
    { name: 'meanFromBooking', vi: 'Trung bình từ lúc ghi sổ (giây)', type: 'seconds' },
    { name: 'longestFromBooking', vi: 'Lâu nhất từ lúc ghi sổ (giây)', type: 'seconds' },
  ],
  sql: `SELECT local_day(k.booked_at) AS "day", i.collecting_agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", count(*) AS "paid",
           count(k.acknowledged_at) AS "acknowledged", count(*) FILTER (WHERE k.pushed AND k.acknowledged_at IS NULL) AS "waiting",
           count(*) FILTER (WHERE NOT k.pushed) AS "withoutEndpoint",
           round(avg(extract(epoch FROM k.acknowledged_at - k.paid_at)), 3) AS "meanFromPayment",
           round(avg(extract(epoch FROM k.acknowledged_at - k.booked_at)), 3) AS "meanFromBooking",
           round(max(extract(epoch FROM k.acknowledged_at - k.booked_at)), 3) AS "longestFromBooking"
      FROM report_acknowledgements k JOIN invoices i ON i.id = k.invoice_id JOIN agencies a ON a.code = i.collecting_agency_code
     WHERE k.tenant_id = $1 AND k.booked_at >= $2 AND k.booked_at < $3 AND ($4::text IS NULL OR i.collecting_agency_code = $4)
     GROUP BY 1, 2`,
}

export const waived: Report = {
  name: 'waived',
  titleVi: 'Số tiền miễn, giảm theo quy định',
  titleEn: 'Waived amounts by rule',
  over: 'days',
  columns: [
    key('day', 'Ngày', 'day'),
    key('agencyCode', 'Mã cơ quan'),
    text('agencyName', 'Cơ quan thu'),
    key('procedureCode', 'Mã thủ tục'),
    key('ruleId', 'Mã quy định'),
    text('rule', 'Quy định miễn, giảm'),
    count('items', 'Số khoản'),
    count('exempt', 'Trong đó miễn hoàn toàn'),
    money('gross', 'Mức thu'),
    money('waived', 'Đã miễn, giảm'),
  ],
  sql: `SELECT local_day(w.at) AS "day", w.collecting_agency_code AS "agencyCode", min(a.name_vi) AS "agencyName", w.procedure_code AS "procedureCode",
           coalesce(w.adjustment_id, '') AS "ruleId", coalesce(min(j.body ->> 'nameVi'), '') AS "rule", count(*) AS "items",
           count(*) FILTER (WHERE w.net = 0) AS "exempt", sum(w.gross)::bigint AS "gross", sum(w.reduction_amount)::bigint AS "waived"
      FROM report_waived w
      JOIN agencies a ON a.code = w.collecting_agency_code
      LEFT JOIN fee_adjustments j ON j.tenant_id = w.tenant_id AND j.id = w.adjustment_id AND j.version = w.adjustment_version
     WHERE w.tenant_id = $1 AND w.at >= $2 AND w.at < $3 AND ($4::text IS NULL OR w.collecting_agency_code = $4)
     GROUP BY 1, 2, 4, 5`,
}
