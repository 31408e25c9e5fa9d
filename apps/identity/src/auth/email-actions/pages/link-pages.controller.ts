import { Settings } from '#config';
import { applyDecorators, Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../../../access/access.js';
import { linkPage } from './link-page.js';
import { LINK_SCRIPT, LINK_STYLES } from './link-page-assets.js';

/** Loads only from our own origin, and allows nothing inline. All responses forbid caching and referrers anyway. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function Page(path: string): MethodDecorator {
  return applyDecorators(
    Get(path),
    Public(),
    Header('content-type', 'text/html; charset=utf-8'),
    Header('content-security-policy', POLICY),
  );
}

function Asset(path: string, type: string): MethodDecorator {
  return applyDecorators(Get(path), Public(), Header('content-type', `${type}; charset=utf-8`));
}

/** Pages that make links work out of the box. An application at APP_URL has its own pages at these paths. */
@ApiExcludeController()
@Controller()
export class LinkPagesController {
  constructor(private readonly settings: Settings) {}

  @Page('verify-email')
  verifyEmail(): string {
    return linkPage('verify_email', this.settings.appUrl);
  }

  @Page('reset-password')
  resetPassword(): string {
    return linkPage('reset_password', this.settings.appUrl);
  }

  @Page('confirm-email')
  confirmEmail(): string {
    return linkPage('change_email', this.settings.appUrl);
  }

  @Asset('link-page.js', 'text/javascript')
  script(): string {
    return LINK_SCRIPT;
  }

  @Asset('link-page.css', 'text/css')
  styles(): string {
    return LINK_STYLES;
  }
}
