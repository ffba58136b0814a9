# Renders templates with ERB, and strings as Ruby reads them: a line of JSON each. Each value has a process of its own.
require "erb"
require "json"
require "ripper"

SECRET = ARGV[0]
config = { "secret" => SECRET }
name = "anne"
place = binding
STDOUT.sync = true
while (line = STDIN.gets)
  value = JSON.parse(line)["Value"].unpack1("m").force_encoding("UTF-8").scrub
  found = []
  reader, writer = IO.pipe
  child = fork do
    Process.setrlimit(Process::RLIMIT_CPU, 5)
    Process.setrlimit(Process::RLIMIT_AS, 1 << 30)
    reader.close
    [STDIN, STDOUT, STDERR].each { |f| f.reopen("/dev/null", "r+") }
    text = "Hello " + value + "!"
    quoted = "\"Hello " + value.gsub('"', "\\\"") + "!\""
    [["ERB", -> { ERB.new(text).src }], ["Ruby's strings", -> { value.include?("\#{") ? quoted : "(" }]].each do |engine, source|
      r = { "Engine" => engine, "Out" => "", "Error" => "" }
      begin
        src = source.call
        if Ripper.sexp(src).nil?
          r["Error"] = "syntax"
        else
          out = eval(src, place)
          out = out.gsub('"', "\"") if out
          r["Out"] = out.to_s.scrub[0, 100_000]
        end
      rescue SyntaxError
        r["Error"] = "syntax"
      rescue Exception
        r["Error"] = "runtime"
      end
      writer.puts(JSON.generate(r)) if r["Error"] != "syntax"
    end
    writer.close
    exit!(0)
  end
  writer.close
  said = reader.read
  reader.close
  Process.wait(child)
  said.scrub.each_line do |l|
    found << JSON.parse(l)
  rescue JSON::ParserError
    next
  end
  puts JSON.generate(found)
end
