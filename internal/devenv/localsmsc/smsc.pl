# A simulated SMSC on Net::SMPP.
#
#   perl smsc.pl PORT FOLDER
#
# FOLDER/received gets one line for each submit_sm: tab-separated sender, recipient,
# data_coding, reference/parts/part of a concatenated text ("-" for others),
# validity_period and the text as UTF-8 in hexadecimal. FOLDER/next, if it exists, holds
# what to do at the next submit_sm: "status N", "drop", or "receipt STATE".
use strict;
use warnings;
use Encode qw(decode encode);
use Net::SMPP;

my ($port, $folder) = @ARGV;
my %account = (portal => 'secret');
my $id = 0;
open my $received, '>>', "$folder/received" or die "received: $!";
$received->autoflush(1);

sub next_order {
	my $file = "$folder/next";
	open my $f, '<', $file or return '';
	my $order = <$f> // '';
	close $f;
	unlink $file;
	chomp $order;
	return $order;
}

sub text_of {
	my ($pdu) = @_;
	my ($part, $data) = ('-', $pdu->{short_message});
	if ($pdu->{esm_class} & 0x40) {
		my $length = ord $data;
		my ($kind, $size, $reference, $parts, $number) = unpack 'x C C C C C', $data;
		$part = "$reference/$parts/$number" if $kind == 0 && $size == 3;
		$data = substr $data, $length + 1;
	}
	my $alphabet = $pdu->{data_coding} == 8 ? 'UTF-16BE' : 'gsm0338';
	return ($part, unpack 'H*', encode('UTF-8', decode($alphabet, $data)));
}

sub submit {
	my ($c, $pdu) = @_;
	my ($do, $what) = split ' ', next_order();
	$do //= '';
	return 0 if $do eq 'drop';
	if ($do eq 'status') {
		$c->submit_sm_resp(seq => $pdu->{seq}, status => $what, message_id => '');
		return 1;
	}
	$id++;
	my ($part, $text) = text_of($pdu);
	print $received join("\t", $pdu->{source_addr}, $pdu->{destination_addr}, $pdu->{data_coding}, $part, $pdu->{validity_period} || '-', $text), "\n";
	$c->submit_sm_resp(seq => $pdu->{seq}, message_id => "m$id");
	if ($do eq 'receipt') {
		$c->deliver_sm(
			source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr}, dest_addr_ton => 5, destination_addr => $pdu->{source_addr},
			esm_class => 4, data_coding => 0, async => 1,
			short_message => "id:m$id sub:001 dlvrd:001 submit date:2611291200 done date:2611291201 stat:$what err:000 text:"
		);
	}
	return 1;
}

my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34, interface_version => 0x34, async => 1) or die "listen: $!";
$SIG{CHLD} = 'IGNORE';
while (1) {
	my $c = $listener->accept or next;
	next if fork; # the child serves the connection
	$c->set_version(0x34);
	my $bound = 0;
	while (my $pdu = $c->read_pdu()) {
		my $cmd = $pdu->{cmd};
		if ($cmd == 0x09) {
			$bound = ($account{$pdu->{system_id}} // '') eq $pdu->{password};
			$c->bind_transceiver_resp(seq => $pdu->{seq}, system_id => 'smsc', status => $bound ? 0 : 0x0e);
			last unless $bound;
		} elsif ($cmd == 0x15) {
			$c->enquire_link_resp(seq => $pdu->{seq});
		} elsif ($cmd == 0x06) {
			$c->unbind_resp(seq => $pdu->{seq});
			last;
		} elsif ($cmd == 0x04 && $bound) {
			submit($c, $pdu) or last;
		}
	}
	exit;
}
