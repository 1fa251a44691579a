/** Events of a cloud and of a host in words, a line each. */
import type { CloudEvent } from '#resource/cloud-event.ts'
import { formatTime } from './time-text.ts'

/** `2027-01-31T12:00:00.000+01:00  vnic shop/web1 plugged in on h1, by ann  (request 0192…)`. */
export function eventLine(event: CloudEvent, utc: boolean): string {
  const { time, request } = event
  return `${formatTime(new Date(time), utc)}  ${whatText(event)}${request === null ? '' : `  (request ${request})`}`
}

function whatText(event: CloudEvent): string {
  const { kind, id, name, host, by } = event
  const what = `${kind} ${name ?? id}`
  const at = host === null ? '' : ` on host ${host.name ?? host.id}`
  const who = by === null ? '' : `, by ${by.name ?? by.id}`
  switch (event.event) {
    case 'state':
      return `${what} is ${event.state}${kind === 'vnic' ? at : ''}${troubleText(event)}`
    case 'drops':
      return `${what}${at}: dropped ${dropsText(event)}`
    case 'nat-exhausted':
      return `${what}: no public port was left for ${dropsText(event)}`
    case 'changed':
      return `${what} ${changeText(event, at)}${who}`
    default:
      return `${what} ${event.event}${who}`
  }
}

function changeText({ state, fields = [] }: CloudEvent, at: string): string {
  if (state !== undefined) return state === 'plugged' ? `plugged in${at}` : `unplugged${at.replace(' on', ' from')}`
  return `changed: ${fields.join(' ')}`
}

function troubleText({ late = false, problem = null }: CloudEvent): string {
  if (problem !== null) return `: ${problem.text}`
  return late ? ', and its host is late' : ''
}

function dropsText({ drops = {}, since, time }: CloudEvent): string {
  const all = Object.values(drops).reduce((sum, each) => sum + each, 0)
  const seconds = since === undefined ? 0 : Math.max(1, Math.round((Date.parse(time) - Date.parse(since)) / 1000))
  return `${all} packet${all === 1 ? '' : 's'}${seconds === 0 ? '' : ` in ${seconds} s`}: ${reasonsText(drops)}`
}

/** `sg_denied 12, no_route 1`, the most first. */
export const reasonsText = (drops: Readonly<Record<string, number>>): string =>
  Object.entries(drops)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')
