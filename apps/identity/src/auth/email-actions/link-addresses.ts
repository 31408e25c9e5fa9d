import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Server } from 'node:http';
import { type LinkPurpose } from '#accounts';

/** Paths below APP_URL, where an application may serve its own pages. Our own pages are always there. */
export const LINK_PATHS: Readonly<Record<LinkPurpose, string>> = {
  verify_email: 'verify-email',
  reset_password: 'reset-password',
  change_email: 'confirm-email',
};

const EVERYWHERE = new Set(['0.0.0.0', '::']);

/**
 * The addresses in mailed links. Never derived from the request: a client that requests someone else's link chooses
 * its `Host`.
 */
@Injectable()
export class LinkAddresses {
  constructor(
    private readonly settings: Settings,
    private readonly host: HttpAdapterHost,
  ) {}

  /** The token is in the fragment, which browsers never send, so it gets into no log and no `Referer`. */
  of(purpose: LinkPurpose, token: string): string {
    return `${this.settings.appUrl ?? this.#ourselves()}/${LINK_PATHS[purpose]}#token=${token}`;
  }

  #ourselves(): string {
    const { host, port } = this.settings;
    const listening = (this.host.httpAdapter?.getHttpServer() as Server | undefined)?.address();
    const name = EVERYWHERE.has(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
    return `http://${name}:${typeof listening === 'object' && listening ? listening.port : port}`;
  }
}
