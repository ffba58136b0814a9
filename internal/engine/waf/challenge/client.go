package challenge

import (
	"crypto/sha256"

	"fastness/internal/engine/waf/request"
)

// client is the class of clients that a token is good for: those that call themselves the same. Not
// their address: phones change it all the time.
type client [16]byte

func clientOf(r *request.Request) (c client) {
	agent, _ := r.Field("User-Agent")
	sum := sha256.Sum256([]byte("client\x00" + agent))
	copy(c[:], sum[:])
	return c
}
