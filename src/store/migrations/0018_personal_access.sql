-- Who looked at personal data, listed for those who oversee it; few entries of the journal are of this kind.
CREATE INDEX journal_entries_personal ON journal_entries (tenant_id, seq) WHERE kind LIKE 'personal.%';

-- Invoices up to here may have been written by a version that kept persons in `parties` with all that was told of them: a watcher
-- seals those, in batches (src/personal/reseal.ts).
INSERT INTO retention_places (kind, up_to) SELECT 'PLAIN_PARTIES_END', max(id) FROM invoices HAVING max(id) IS NOT NULL;
