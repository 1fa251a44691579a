/** Events of a cloud in words, for the command and the console. */
import type { CloudEvent } from './cloud-event.ts'

/** What happened to a thing, without its name: `is ready on host h1`, `changed: rules`. */
export function happenedText(event: CloudEvent): string {
  const { kind, host } = event
  const at = host === null ? '' : ` on host ${host.name ?? host.id}`
  switch (event.event) {
    case 'state':
      return `is ${event.state}${kind === 'vnic' ? at : ''}${troubleText(event)}`
    case 'drops':
      return `dropped ${dropsText(event)}${at}`
    case 'nat-exhausted':
      return `had no public port left for ${dropsText(event)}`
    case 'changed':
      return changeText(event, at)
    default:
      return event.event
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
