package keyalg

func verifyMLDSAMu(row *specInfo, pk, mu, sig []byte) bool { return false }
