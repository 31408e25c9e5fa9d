import { Settings } from '#config';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Server } from 'node:http';
import { type LinkPurpose } from '#accounts';

/** Below APP_URL, which an application may serve itself; without it, and anyway, there are our own pages. */
export const LINK_PATHS: Readonly<Record<LinkPurpose, string>> = {
  verify_email: 'verify-email',
  reset_password: 'reset-password',
  change_email: 'confirm-email',
};

const EVERYWHERE = new Set(['0.0.0.0', '::']);

/**
 * Where links lead. Never to where a request says that it was sent: whoever asks for somebody else's link chooses what
 * stands in `Host`.
 */
@Injectable()
export class LinkAddresses {
  constructor(
    private readonly settings: Settings,
    private readonly host: HttpAdapterHost,
  ) {}

  /** The token is in the fragment, which browsers send to nobody: it gets into no log and no `Referer`. */
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
