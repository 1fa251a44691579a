/** Lines of documents that no test executes as they stand, each with the reason. Comments of a line are left out. */

interface Unexecuted {
  readonly because: string
  readonly lines: readonly string[]
}

export const unexecuted: readonly Unexecuted[] = [
  {
    because: 'the tests run in a checkout that is built, and do not build it again, or run themselves',
    lines: [
      'npm run build && export PATH=$PWD/bin:$PATH',
      'export PATH=$PWD/bin:$PATH',
      'git pull',
      'npm run demo',
      'npm test',
      'npm run test:long',
    ],
  },
  {
    because: 'npm run test:package packs and installs the library, and runs its example',
    lines: ['npm run package -- --npm', 'npm install ./vpc-VERSION.tgz'],
  },
  {
    because: 'npm run test:package makes packages, and installs them in booted machines',
    lines: ['npm run package', 'npm run package -- --arch amd64 --arch arm64', 'npm run test:package'],
  },
  {
    because: 'users of their own are needed; test/cli/up.test.ts looks at what vpc up starts so',
    lines: [
      'vpc issuer --state-dir=/var/lib/vpc-issuer --store=sqlite:/var/lib/vpc/control.db --user=vpc-api',
      'vpc api --issuer=/var/lib/vpc-issuer/issuer.sock',
    ],
  },
  {
    because: 'test/integrations/ansible.test.ts builds the collection, installs it and reads its pages, in a folder of its own',
    lines: [
      'ansible-galaxy collection build integrations/ansible',
      'ansible-galaxy collection install vpc-cloud-0.1.0.tar.gz',
      'ansible-doc -l vpc.cloud',
      'ansible-doc vpc.cloud.vnic',
    ],
  },
  {
    because: 'it changes folders of the machine; tests of test/integrations give these programs folders of their own',
    lines: [
      'ln -s "$PWD/bin/vpc-cni" /opt/cni/bin/vpc-cni',
      'install -D packaging/libvirt/qemu-hook /etc/libvirt/hooks/qemu.d/vpc',
      'systemctl restart libvirtd',
    ],
  },
  {
    because: 'test/integrations/nspawn.test.ts does the same with a root file system of its own',
    lines: ['vpc attach red --netns=web --address=10.1.0.5/24', 'systemd-nspawn --directory=ROOT --network-namespace-path=/run/netns/web'],
  },
  {
    because: 'test/integrations/libvirt.test.ts does the same with a guest of its own',
    lines: ['vpc libvirt attach web1 web1-db --subnet=red/db', 'vpc libvirt detach web1 web1-db'],
  },
  {
    because: "Debian's images are hundreds of megabytes; test/vm and test/cli/up.test.ts use small images of their own",
    lines: [
      'vpc vm create vm1 --subnet=shop/front --image=debian.qcow2 --ssh-key=id.pub',
      'vpc vm console vm1',
      'vpc vm create --vm-id=UUID --disk=debian-12-genericcloud-amd64.qcow2 --memory=1024 --vmnic-id=ID --hostname=web1 --ssh-key=id_ed25519.pub',
      'vpc vm image import debian-13-genericcloud-amd64.qcow2 --name=debian-13',
      'vpc vm create web1 --subnet=web --image=debian-13 --disk-size=20 --ssh-key=id_ed25519.pub',
      'vpc vm ssh web1',
      'vpc vm console web1',
    ],
  },
  {
    because: 'test/vm/other-tools.test.ts starts QEMU both ways, with vmnics and a kernel of its own',
    lines: [
      "vpc vmnic exec --vmnic-id=ID --user=nobody -- sh -c 'exec qemu-system-x86_64 -m 1024 disk.img  -netdev tap,id=n0,fds=$VPC_VMNIC_FDS -device virtio-net-pci,netdev=n0,mac=$VPC_VMNIC_MAC,host_mtu=$VPC_VMNIC_MTU'",
      'qemu-system-x86_64 … -netdev tap,id=n0,ifname=vmnic0,script=no,downscript=no,queues=2 -device virtio-net-pci,netdev=n0,mac=…',
    ],
  },
]
