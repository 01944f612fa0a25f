# frozen_string_literal: true

# Reads a formula as Homebrew does, on a machine without Homebrew: as each system that it is for, what it would fetch;
# on this one, installs it from an archive into a folder and runs its test.
#
#   ruby homebrew.rb FORMULA ARCHIVE
#
# Prints one line for each system, and fails when installing or testing does.

require "fileutils"
require "json"
require "open3"
require "pathname"
require "socket"
require "tmpdir"

# The system that a formula is read for.
module Machine
  class << self
    attr_accessor :os, :cpu
  end
end

# What formulae ask of the system.
module OS
  def self.mac?
    Machine.os == :macos
  end
end

# A folder of the place that a formula is installed to.
class Pathname
  def install(*files)
    mkpath
    files.each { |file| FileUtils.cp(file, self) }
  end
end

# What `inreplace` hands out.
class Replacing < String
  def gsub!(before, after)
    super || raise("inreplace: there is no #{before}")
  end
end

# The part of Homebrew's language that our formulae use.
class Formula
  include FileUtils

  class << self
    attr_reader :fetched, :tests, :services, :needed

    def inherited(formula)
      super
      formula.instance_eval { @fetched, @needed, @services = {}, [], {} }
    end

    def desc(text = nil) = text ? @desc = text : @desc
    def version(text = nil) = text ? @version = text : @version
    def homepage(text) = @fetched[:homepage] = text
    def license(text) = @fetched[:license] = text
    def depends_on(what) = @needed << what
    def on_macos = (yield if Machine.os == :macos)
    def on_linux = (yield if Machine.os == :linux)
    def on_intel = (yield if Machine.cpu == :intel)
    def on_arm = (yield if Machine.cpu == :arm)

    def url(address, **more)
      raise "two addresses for one system" if @fetched[:url]

      @fetched.merge!(url: address, **more)
    end

    def sha256(sum) = @fetched[:sha256] = sum
    def service(&block) = @service_block = block
    def test(&block) = @test_block = block
    def service_block = @service_block
    def test_block = @test_block
  end

  def initialize(prefix)
    @prefix = Pathname(prefix)
  end

  attr_reader :prefix

  def version = self.class.version
  def bin = prefix/"bin"
  def opt_bin = bin
  def etc = prefix/"etc"
  def var = prefix/"var"
  def man1 = prefix/"share/man/man1"
  def bash_completion = prefix/"etc/bash_completion.d"
  def zsh_completion = prefix/"share/zsh/site-functions"
  def fish_completion = prefix/"share/fish/vendor_completions.d"
  def testpath = Pathname(Dir.pwd)

  def inreplace(file)
    text = Replacing.new(File.read(file))
    yield text
    File.write(file, text)
  end

  def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  def quiet_system(*command) = system(*command.map(&:to_s), out: File::NULL, err: File::NULL)
  def spawn(*command) = Process.spawn(*command.map(&:to_s))

  def shell_output(command, status = 0)
    output, ended = Open3.capture2(command)
    assert ended.exitstatus == status, "`#{command}` ended with #{ended.exitstatus}: #{output}"
    output
  end

  def assert(truth, why = "it does not hold") = truth || raise(why)
  def assert_path_exists(path) = assert(path.exist?, "#{path} is not there")

  def assert_match(pattern, text)
    assert(pattern.is_a?(Regexp) ? pattern.match?(text) : text.include?(pattern), "no #{pattern} in: #{text}")
  end

  # What a service would run.
  class Service
    def initialize(formula)
      @formula = formula
      instance_eval(&formula.class.service_block)
    end

    attr_reader :command

    def run(command) = @command = command.map(&:to_s)
    def keep_alive(how) = how.is_a?(Hash) || raise("not as Homebrew takes it")
    def log_path(path) = path
    def error_log_path(path) = path
    def method_missing(name, *) = @formula.respond_to?(name) ? @formula.public_send(name) : super
    def respond_to_missing?(name, _) = @formula.respond_to?(name)
  end
end

# ENV takes paths as Homebrew's does.
class << ENV
  alias set []=
  def []=(name, value)
    set(name, value.to_s)
  end
end

file, archive = ARGV
code = File.read(file)
read = lambda do |os, cpu|
  Machine.os = os
  Machine.cpu = cpu
  space = Module.new
  space.module_eval(code, file)
  space.const_get(space.constants.first)
end

[%i[macos arm], %i[macos intel], %i[linux arm], %i[linux intel]].each do |os, cpu|
  formula = read.call(os, cpu)
  puts({ os: os, cpu: cpu, version: formula.version, needs: formula.needed, **formula.fetched }.to_json)
end

formula = read.call(:linux, :intel)
Dir.mktmpdir do |folder|
  system("tar", "-xzf", File.expand_path(archive), "-C", folder, "--strip-components=1", exception: true)
  installed = formula.new("#{folder}/prefix")
  Dir.chdir(folder) { installed.install }
  raise "caveats are empty" if installed.caveats.strip.empty?

  service = Formula::Service.new(installed).command
  raise "its service runs what is not there: #{service}" unless File.executable?(service.first)

  missing = service.grep(/\.(toml|yaml)\z/).reject { |path| File.file?(path) }
  raise "its service reads what is not there: #{missing}" unless missing.empty?

  Dir.mktmpdir { |place| Dir.chdir(place) { installed.instance_eval(&formula.test_block) } }
  puts({ installed: Dir.glob("**/*", base: "#{folder}/prefix").select { |path| File.file?("#{folder}/prefix/#{path}") }.sort }.to_json)
end
