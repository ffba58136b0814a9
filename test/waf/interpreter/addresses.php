<?php
// Reads addresses with PHP's parser: a line of JSON each.
while (($line = fgets(STDIN)) !== false) {
    $q = json_decode($line, true);
    if (isset($q['Schemes'])) {
        echo json_encode(stream_get_wrappers()), "\n";
        continue;
    }
    $u = parse_url($q['Address']);
    $found = [];
    if (is_array($u)) {
        $found[] = ['Client' => 'PHP', 'Scheme' => $u['scheme'] ?? '', 'Host' => $u['host'] ?? '', 'IPs' => array_values(array_filter([filter_var(trim($u['host'] ?? '', '[]'), FILTER_VALIDATE_IP) ?: null]))];
    }
    echo json_encode($found, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
