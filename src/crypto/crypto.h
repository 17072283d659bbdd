/*
 * Starting the cryptographic libraries.
 *
 * libsodium gives signatures, password hashes and random bytes; GnuTLS gives SHA-256 and HMAC, because it uses the
 * CPU's SHA instructions (hash.h has the figures). GnuTLS starts itself when it is loaded, libsodium wants a call.
 */
#ifndef HEARTH_CRYPTO_CRYPTO_H
#define HEARTH_CRYPTO_CRYPTO_H

/* Once, at start, before any other function of this folder and before the second thread; calling it again does no
 * harm. A machine whose kernel gives no random bytes stops the program here. */
void crypto_init(void);

#endif
