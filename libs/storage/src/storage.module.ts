import { type DynamicModule, Module } from '@nestjs/common';
import { AvatarFiles } from './avatar-files.js';
import { ObjectStore } from './object-store.js';
import { DiskStore } from './disk-store.js';

/** `ObjectStore` and `AvatarFiles` for the whole application. */
@Module({})
export class StorageModule {
  static forRoot(options: StorageOptions): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [
        { provide: ObjectStore, useFactory: () => openStore(options) },
        {
          provide: AvatarFiles,
          inject: [ObjectStore],
          useFactory: (store: ObjectStore) => new AvatarFiles(store),
        },
      ],
      exports: [ObjectStore, AvatarFiles],
    };
  }
}

export interface StorageOptions {
  /** An absolute directory, or `s3://bucket/prefix`. */
  address: string;
  /** The origin of the bucket's server; `undefined`: AWS. */
  s3Endpoint: string | undefined;
  s3Region: string;
}

const S3 = 's3://';

/** The store at an address. Another kind of store is another class, chosen here. */
export async function openStore({ address, s3Endpoint, s3Region }: StorageOptions): Promise<ObjectStore> {
  if (!address.startsWith(S3)) return new DiskStore(address);
  const { S3Store } = await import('./s3-store.js'); // the SDK takes 0.1 s to load
  const [bucket = '', ...folders] = address.slice(S3.length).split('/').filter(Boolean);
  const prefix = folders.map((folder) => `${folder}/`).join('');
  return new S3Store({ bucket, prefix, endpoint: s3Endpoint, region: s3Region });
}
