#include "crypto/crypto.h"

#include <assert.h>
#include <sodium.h>

void crypto_init(void)
{
    int rc = sodium_init();
    assert(rc >= 0);
}
