/* A network: what is accepted is printed as one that reads the same. */
#include "common/base/net.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_net net, again;
	struct jp_why why;
	char printed[JP_NET_TEXT_MAX];
	char *text = fuzz_text(data, size);

	if (jp_net_parse(text, &net, &why) == JP_ERR_OK) {
		jp_net_format(&net, printed);
		FUZZ_ASSERT(jp_net_parse(printed, &again, &why) == JP_ERR_OK);
		FUZZ_ASSERT(memcmp(net.address, again.address, 16) == 0);
		FUZZ_ASSERT(net.prefix == again.prefix && net.prefix <= 128);
		FUZZ_ASSERT(jp_net_within(&net, &again));
		*strchrnul(printed, '/') = '\0';
		FUZZ_ASSERT(jp_net_contains(&net, printed));
	}
	free(text);
	return 0;
}
