/**
 * The users that our processes without privileges run as: numbers that neither distributions nor container engines give
 * to anybody. Each process has its own: users of one number may signal and trace each other.
 */
export const ownUsers = {
  metadata: 1_899_990_001,
  dns: 1_899_990_002,
  console: 1_899_990_003,
  agent: 1_899_990_004,
  api: 1_899_990_005,
  issuer: 1_899_990_006,
} as const
