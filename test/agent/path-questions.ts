/** Random questions about paths in a cloud of tenants, and the model's answers. */
import assert from 'node:assert/strict'
import type { Feeds } from '#control/feed/feeds.ts'
import { Problem } from '#control/model/problem.ts'
import type { ObjectRecord } from '#control/model/record.ts'
import type { PathAnswer } from '#control/path/answer.ts'
import { checkPath, type Checked, type PathQuestion } from '#control/path/check.ts'
import { Cloud, familyOf, vnicSpec } from '#control/path/cloud.ts'
import { Names } from '#control/path/names.ts'
import { questionOf, type QuestionWords } from '#control/path/question.ts'
import type { TestApi } from '../control/test-api.ts'
import { publicAddresses, type Choices } from './tenants.ts'

/** Senders outside. */
const outsiders = ['198.18.0.9', '192.0.2.77', '8.8.8.8', '203.0.113.99', '100.64.0.1']
/** Addresses that no vnic has: outside, in subnets, and gateways. */
const elsewhere = ['198.18.0.9', '172.16.5.5', '192.0.2.77', '10.0.1.200', '10.9.9.9', 'fd00:5::9', '2001:db8::9', '203.0.113.12']
const gateways = ['10.0.1.1', '10.0.2.1', '10.1.1.1', '10.2.2.1', 'fd00:a:0::1', 'fd00:a:2::1']
/** Inside of what rules allow, at its edges, and beyond. */
const ports = ['22', '23', '80', '7999', '8000', '8005', '8010', '8011', '9999', '0', '65535']
/** No port below 1024 of a shared address is anybody's by luck. */
const lowPorts = ['22', '80', '443']

export interface Asked {
  readonly words: QuestionWords
  readonly question: PathQuestion
  readonly checked: Checked
}

/** All of a cloud at one moment. */
export class PathQuestions {
  readonly cloud: Cloud
  readonly vnics: readonly ObjectRecord[]
  /** Those on hosts that somebody runs. */
  readonly #senders: readonly ObjectRecord[]
  /** Floating addresses that stand for somebody. */
  readonly #standing: readonly string[]
  readonly #names: Names
  readonly #choices: Choices

  constructor(api: TestApi, feeds: Feeds, choices: Choices, isRun: (host: string) => boolean) {
    const { mirror } = api.model
    const grants = [{ role: 'admin', org: null, account: null, vpc: null }] as const
    const caller = { principal: '', token: '', account: null, source: '', grants } as const
    this.cloud = new Cloud(feeds.view(), mirror)
    this.#names = new Names({ mirror, caller, now: Date.now() })
    this.vnics = [...mirror.objects.ids('vnic')]
      .map((id) => mirror.objects.get('vnic', id)!.record)
      .sort((a, b) => (vnicSpec(a).addresses[0]! < vnicSpec(b).addresses[0]! ? -1 : 1))
    this.#senders = this.vnics.filter(({ binding }) => binding !== undefined && isRun(binding.host))
    this.#standing = [...mirror.objects.ids('floating-ip')]
      .map((id) => mirror.objects.get('floating-ip', id)!.record.spec)
      .flatMap(({ ip, target }) => (target === undefined ? [] : [ip as string]))
      .sort()
    this.#choices = choices
  }

  /** Ask the model. */
  of(words: QuestionWords): Asked {
    const question = questionOf(this.#names.viewer, this.cloud, words)
    return { words, question, checked: checkPath(this.cloud, this.#names, question) }
  }

  /** Ask something at random of the model. Undefined: the two have no address of one family, and the model says so. */
  ask(): Asked | undefined {
    const { oneOf, is } = this.#choices
    if (is(0.15)) return this.#askFromOutside()
    const from = oneOf(is(0.05) ? this.vnics : this.#senders)
    const to = this.#target(from)
    const addresses = typeof to === 'string' ? [to] : vnicSpec(to).addresses
    const words = { from: from.id, to: typeof to === 'string' ? to : to.id, ...this.#packetTo(addresses) }
    const isRight = addresses.some((each) => vnicSpec(from).addresses.some((own) => familyOf(own) === familyOf(each)))
    try {
      const asked = this.of(words)
      assert.ok(isRight, `the two have no address of one family: ${JSON.stringify(words)}`)
      return asked
    } catch (error) {
      if (isRight || !(error instanceof Problem)) throw error
      return undefined
    }
  }

  #packetTo(addresses: readonly string[]): { readonly protocol: string; readonly port?: string } {
    const { oneOf } = this.#choices
    const isPublic = addresses.some((each) => publicAddresses.includes(each as never))
    const protocol = oneOf(['icmp', 'tcp', 'udp', 'tcp', 'sctp'])
    return { protocol, ...(protocol !== 'icmp' && { port: oneOf(isPublic ? lowPorts : ports) }) }
  }

  /** Somebody outside, or who says so, sends to a public address or to a vnic. */
  #askFromOutside(): Asked | undefined {
    const { oneOf, is } = this.#choices
    const from = is(0.7) ? oneOf(outsiders) : oneOf([...elsewhere, ...publicAddresses])
    const to = is(0.6) && this.#standing.length > 0 ? oneOf(this.#standing) : is(0.7) ? oneOf(publicAddresses) : oneOf(this.vnics)
    const words = { from, to: typeof to === 'string' ? to : to.id, ...this.#packetTo(typeof to === 'string' ? [to] : publicAddresses) }
    try {
      return this.of(words)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      assert.match(error.message, /no address of one family/, JSON.stringify(words))
      return undefined
    }
  }

  /** An address, or a vnic. */
  #target(from: ObjectRecord): string | ObjectRecord {
    const { oneOf, is } = this.#choices
    const others = this.vnics.filter(({ id }) => id !== from.id)
    const vnic = oneOf(is(0.5) ? others.filter(({ vpc }) => vpc === from.vpc) : is(0.9) ? others : this.vnics)
    if (is(0.25)) return vnic
    if (is(0.65)) return oneOf(vnicSpec(vnic).addresses)
    return oneOf([...elsewhere, ...gateways, ...publicAddresses, ...publicAddresses])
  }

  /** The API gives the same answer. No agent is connected, so what the model allows is not done yet. */
  async isSameOf(api: TestApi, { words, checked: { verdict, trail, from, to } }: Asked): Promise<void> {
    const { status, body } = await api.ask(api.admin, 'GET', `/path-check?${new URLSearchParams(words as Record<string, string>)}`)
    assert.equal(status, 200, JSON.stringify(body))
    const answer = body as PathAnswer
    assert.deepEqual(
      [answer.verdict, answer.steps, answer.obstacle?.code, answer.from, answer.to],
      [verdict === 'reachable' ? 'not-yet' : verdict, trail.steps, trail.stopped?.code, from, to],
    )
  }
}
