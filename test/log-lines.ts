/** What holds of each line of a log, whichever program has written it. */
import assert from 'node:assert/strict'
import { logLevels } from '#system/log.ts'

/** Check the lines of a log: JSON, with the fields that all programs write alike. Gives the messages. */
export function checkLog(program: string, text: string): string[] {
  const lines = text.split('\n').filter(Boolean)
  return lines.map((line) => {
    const said = parsed(program, line)
    const [time, level, message] = Object.keys(said)
    assert.deepEqual([time, level, message], ['time', 'level', 'message'], `${program}: ${line}`)
    assert.match(String(said.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, `${program}: ${line}`)
    assert.ok((logLevels as readonly unknown[]).includes(said.level), `${program}: ${line}`)
    assert.equal(typeof said.message, 'string', `${program}: ${line}`)
    for (const field of ['error', 'request', 'stack'])
      if (field in said) assert.equal(typeof said[field], 'string', `${program}: ${field} in ${line}`)
    if ('requests' in said) assert.ok(Array.isArray(said.requests), `${program}: ${line}`)
    return String(said.message)
  })
}

function parsed(program: string, line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return assert.fail(`${program} writes a line that is not JSON: ${line}`)
  }
}
