/** The SQLite store: the suite of all stores. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { conformance } from './conformance.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-store-'))
after(() => rmSync(directory, { recursive: true }))

let count = 0
conformance('sqlite', async () => openSqliteStore(join(directory, `${count++}.db`), { progressMs: 50 }))
