/** Journals as text: SQL that makes one, so that those of earlier versions can be read and compared by people. */
import { DatabaseSync } from 'node:sqlite'

const quoted = (value: unknown): string =>
  value instanceof Uint8Array
    ? `x'${Buffer.from(value).toString('hex')}'`
    : typeof value === 'number'
      ? String(value)
      : `'${String(value).replaceAll("'", "''")}'`

/** SQL that makes a journal as this one is. */
export function dumpJournal(path: string): string {
  using db = new DatabaseSync(path, { readOnly: true })
  const schema = db.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name').all()
  const rows = ['object', 'entries'].flatMap((table) =>
    db
      .prepare(`SELECT * FROM ${table} ORDER BY 1`)
      .all()
      .map((row) => `INSERT INTO ${table} VALUES (${Object.values(row).map(quoted).join(', ')});`),
  )
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  return [...schema.map(({ sql }) => `${String(sql)};`), ...rows, `PRAGMA user_version = ${version};`, ''].join('\n')
}

/** Make a journal from SQL. */
export function makeJournal(path: string, sql: string): void {
  using db = new DatabaseSync(path)
  db.exec(sql)
}
