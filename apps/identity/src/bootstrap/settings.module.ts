import { Settings } from '#config';
import { type DynamicModule, Module } from '@nestjs/common';

/** The settings, for whoever asks for them. */
@Module({})
export class SettingsModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings],
    };
  }
}
