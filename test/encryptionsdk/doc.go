// Package encryptionsdk tests the library of the same name against AWS's own Encryption SDK
// for Go, which the product does not depend on: what one writes, the other reads. The
// directory bench measures both.
package encryptionsdk
