# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mc_bridge_global_optspecs
    string join \n config= h/help V/version
end

function __fish_mc_bridge_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mc_bridge_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mc_bridge_using_subcommand
    set -l cmd (__fish_mc_bridge_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -s V -l version -d 'Print version'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "run" -d 'Run the bridge (also without a command)'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "check" -d 'Try everything and say what is wrong and how to mend it'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "status" -d 'Show what waits, and what could not be carried'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "healthcheck" -d 'Ask the running bridge whether all is well'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "version" -d 'Print the version, and the API version that it speaks'
complete -c mc-bridge -n "__fish_mc_bridge_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand run" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand run" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand check" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand check" -l json -d 'As JSON'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand check" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand status" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand status" -l json -d 'As JSON'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand status" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand healthcheck" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand healthcheck" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand version" -l config -d 'Configuration file [default: ./comms-bridge.yaml, then /etc/openclaw/comms-bridge.yaml]' -r -F
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand version" -l json -d 'As JSON'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand version" -s h -l help -d 'Print help'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "run" -d 'Run the bridge (also without a command)'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "check" -d 'Try everything and say what is wrong and how to mend it'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "status" -d 'Show what waits, and what could not be carried'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "healthcheck" -d 'Ask the running bridge whether all is well'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "version" -d 'Print the version, and the API version that it speaks'
complete -c mc-bridge -n "__fish_mc_bridge_using_subcommand help; and not __fish_seen_subcommand_from run check status healthcheck version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
