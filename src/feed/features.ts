/**
 * What a vpcd may lack that is older than its agent, by the name that people see, and the settings that each needs. A
 * vpcd tells which settings it knows.
 */

export interface Feature {
  /** As `vpcp.groups`: the type of an object, and the key of documents. */
  readonly settings: readonly string[]
  /** A guest does without: it is plugged in, and its item says what it lacks. */
  readonly isOptional?: boolean
}

export const features = {
  'security groups': { settings: ['vpcp.groups', 'group.rules', 'group.members', 'set.networks'] },
  'public addresses': { settings: ['vpcnat.pool', 'vpcnat.floats', 'vpcnat.shared', 'vpcnat.via'] },
  'moves of running guests': { settings: ['vpcp.held', 'vpcp.leaving'] },
  'names of guests': { settings: ['vpcp.hostname', 'subnet.resolver', 'subnet.dns-forward', 'subnet.hosts'], isOptional: true },
  metadata: { settings: ['subnet.metadata', 'vpcp.ssh-keys', 'vpcp.user-data'], isOptional: true },
} as const satisfies Readonly<Record<string, Feature>>

export type FeatureName = keyof typeof features

export const featureNames = Object.keys(features) as readonly FeatureName[]

/** The feature that a setting is of; undefined: of none. */
export const featureOf = (setting: string): FeatureName | undefined =>
  featureNames.find((name) => (features[name].settings as readonly string[]).includes(setting))

/** Whether guests do without a feature. */
export const isOptional = (name: FeatureName): boolean => (features[name] as Feature).isOptional === true

/** The features that somebody who knows these settings lacks. */
export const lackedBy = (settings: ReadonlySet<string>): FeatureName[] =>
  featureNames.filter((name) => features[name].settings.some((setting) => !settings.has(setting)))
