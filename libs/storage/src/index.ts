export {
  AVATAR_SIZES,
  AvatarFiles,
  avatarId,
  type AvatarPictures,
  AVATARS_PATH,
  type AvatarSize,
  avatarUrl,
} from './avatar-files.js';
export { DiskStore } from './disk-store.js';
export { OBJECT_NAME, ObjectStore, StorageUnavailable, type StoredName } from './object-store.js';
export { openStore, StorageModule, type StorageOptions } from './storage.module.js';
