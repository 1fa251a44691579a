/**
 * Without a typed method, or tried in tests of their own: inheriting and narrowing descriptors, answering system calls,
 * the host as a whole.
 */
export const elsewhere: ReadonlySet<string> = new Set([
  'metaTypeGet',
  'metaIdGet',
  'metaLimit',
  'metaRightsGet',
  'mgmtSupervise',
  'vpcswSend',
  'vpcpFlowsExport',
  'vpcpFlowsImport',
  'mgmtExport',
  'mgmtExportOwned',
  'mgmtPlan',
  'mgmtApply',
  'mgmtAudit',
  'mgmtRepair',
  'mgmtHandleOpen',
  'mgmtHandleCtl',
  'mgmtHandleClose',
  'mgmtTransaction',
  // The original's layouts, which C programs of test/abi send.
  'vpcswArpAnswer',
  'vpcswNdAnswer',
  'vpcmuxEntrySet',
  'vpcmuxEntryDelete',
  'vpcmuxEntryList',
])
