// The keys that say how providers and other hosts are reached. Data only; core/config-keys.ts has them among all the others.

export const networkKeys = [
  {
    name: 'proxy.upstream_ca',
    flag: '--upstream-ca <file>',
    kind: 'path',
    fallback: null,
    meaning:
      'Certificates (PEM) of authorities to trust besides those of Node and of this machine, for providers behind a company gateway.',
  },
  {
    name: 'proxy.intercept',
    flag: '--intercept <hosts>',
    kind: 'text',
    fallback: null,
    meaning:
      'Answer as an HTTPS proxy too, and record what is said to these hosts (names with `*`, between commas); others pass unread. See intercepting.md.',
  },
] as const
