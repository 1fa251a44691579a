/** The log: levels, formats, times, and texts that must not break a line. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type LogOptions } from './log.ts'

function lines(options: LogOptions, isTTY = false): { log: ReturnType<typeof createLog>; written: string[] } {
  const written: string[] = []
  return { written, log: createLog({ ...options, out: { isTTY, write: (line) => written.push(line) } }) }
}

test('lines below the level are left out', () => {
  const { log, written } = lines({ level: 'warn', format: 'human' })
  log.debug('one')
  log.info('two')
  log.warn('three')
  log.error('four')
  assert.deepEqual(
    written.map((line) => line.split(' ')[1]),
    ['WARN', 'ERROR'],
  )
})

test('auto is human on a terminal and JSON elsewhere', () => {
  const terminal = lines({ utc: true }, true)
  terminal.log.info('it runs', { pid: 7, path: '/run/vpc', text: 'two words', none: undefined })
  assert.match(terminal.written[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO {2}it runs pid=7 path=\/run\/vpc text="two words"\n$/)
  const file = lines({})
  file.log.info('it runs', { big: 7n, error: new TypeError('oh') })
  const { time, stack, ...rest } = JSON.parse(file.written[0]!)
  assert.ok(Date.parse(time) > 0)
  assert.match(stack, /^TypeError: oh\n +at .*log\.test\.ts/)
  assert.deepEqual(rest, { level: 'info', message: 'it runs', big: '7', error: 'oh' })
})

test('a time without --utc has its zone', () => {
  const { log, written } = lines({ format: 'human' })
  log.info('x')
  const time = written[0]!.split(' ')[0]!
  assert.match(time, /[+-]\d\d:\d\d$/)
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 5000)
})

test('control characters reach no terminal', () => {
  const { log, written } = lines({ format: 'human' })
  log.warn('name \x1b[2J\rINFO forged', { value: 'a\nINFO forged \x1b' })
  assert.ok(!/[\x00-\x09\x0b-\x1f]/.test(written[0]!))
  assert.equal(written[0]!.trimEnd().split('\n').length, 1)
})

test('what cannot be written does not throw', () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  for (const format of ['json', 'human'] as const) {
    const { log, written } = lines({ format })
    log.error('x', { circular })
    assert.equal(written.length, 1)
  }
})
