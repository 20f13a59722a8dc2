/** Our reference of a refund at MoMo: its own id in letters and digits, the same at every call, so that MoMo knows a second one. */
export function refundReference(refundId: string): string {
  return `RF${refundId.replace(/[^0-9A-Za-z]/g, '').slice(-48)}`
}
