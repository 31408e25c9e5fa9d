export {
  AVATAR_SIZES,
  AvatarFiles,
  type AvatarPictures,
  type AvatarSize,
  AVATARS_PATH,
  avatarId,
  avatarUrl,
} from './avatar-files.js';
export { DiskStore } from './disk-store.js';
export { ObjectStore, OBJECT_NAME, type StoredName } from './object-store.js';
export { openStore, type StorageOptions } from './open-store.js';
export { StorageUnavailable } from './storage-faults.js';
export { StorageModule } from './storage.module.js';
